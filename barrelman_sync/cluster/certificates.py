"""What is wrong with the certificate of a server, and what to do about it, in words."""

import ssl

# Codes of OpenSSL, from x509_vfy.h.
_NOT_YET, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64
_NOT_SIGNED = (2, 7, 18, 19, 20, 21)


def problem_of(error: ssl.SSLCertVerificationError) -> str:
    """Why the certificate is not trusted, without a period at the end."""
    said = str(error.verify_message).rstrip(".")
    if error.verify_code == _EXPIRED:
        return "it has expired, or the certificate of its authority has"
    if error.verify_code == _NOT_YET:
        return "it is not valid yet, or the certificate of its authority is not"
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return f"it is for another name ({said})"
    if error.verify_code in _NOT_SIGNED:
        return f"no authority that we trust has signed it ({said})"
    return said


def advice_on(error: ssl.SSLCertVerificationError, untrusted: str) -> str:
    """What the user can do. `untrusted` is the advice about an authority that is not trusted."""
    if error.verify_code in (_EXPIRED, _NOT_YET):
        return "Check the clock of this machine, and renew the certificate of the server."
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return (
            "Use an address that the certificate has as a subject alternative name, or set tls-server-name in the"
            " kubeconfig to such a name."
        )
    return untrusted
