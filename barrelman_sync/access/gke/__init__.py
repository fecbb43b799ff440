"""Google: where a GKE cluster is, and the tokens it takes. Nothing else imports Google's libraries, see `sides`."""
