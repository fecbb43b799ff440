# How to build it, what is in it and how that was tested: docs/image.md
#
# A tag, not a digest: append @sha256:... (`docker buildx imagetools inspect` shows it) to pin the bytes too.
ARG BASE=python:3.14-slim-trixie

FROM ${BASE} AS build
WORKDIR /src
# pip.conf and ca.crt are for those who reach their index by way of a mirror or a proxy. They do not stay in the image.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_DEPS=1
COPY requirements.txt requirements-dev.txt ./
# Wheels only, with the hashes of the lock. What builds ours (pip, setuptools) is in an environment of its own.
#
# google-api-python-client describes 600 APIs in 100 MB, and we read one. They have to go in the layer they came with.
#
# Nothing can be compiled where the root is read-only, nor can a source change there.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.crt,target=/run/ca.crt \
    set -eu; \
    python3 -m venv /build; \
    python3 -m venv --without-pip /opt/barrelman-sync; \
    sed -n '/^setuptools==/,/# via/p' requirements-dev.txt > build.txt; \
    /build/bin/pip install --require-hashes --only-binary=:all: --requirement build.txt; \
    /build/bin/pip --python /opt/barrelman-sync/bin/python \
      install --no-compile --require-hashes --only-binary=:all: --requirement requirements.txt; \
    find /opt/barrelman-sync -path '*/discovery_cache/documents/*' ! -name container.v1.json -delete; \
    /opt/barrelman-sync/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/barrelman-sync/lib
COPY LICENSE README.md pyproject.toml ./
COPY barrelman_sync barrelman_sync
RUN set -eu; \
    /build/bin/pip wheel --no-build-isolation --wheel-dir /wheels .; \
    /build/bin/pip --python /opt/barrelman-sync/bin/python \
      install --no-compile --no-index --find-links /wheels barrelman-sync; \
    /opt/barrelman-sync/bin/python -m compileall -q --invalidation-mode unchecked-hash \
      /opt/barrelman-sync/lib/*/site-packages/barrelman_sync

FROM ${BASE}
COPY --from=build /opt/barrelman-sync /opt/barrelman-sync
# pip goes. The official image has no compiled standard library: importing all of ours compiles what we need of it, and
# shows that nothing is missing here.
RUN set -eu; \
    find /usr -depth \( -name ensurepip -o -name python-wheels -o -path '*/bin/pip*' -o -path '*-packages/pip*' \) \
      -exec rm -rf {} +; \
    /opt/barrelman-sync/bin/python -c 'import barrelman_sync, importlib, pkgutil; [importlib.import_module(module.name) \
      for module in pkgutil.walk_packages(barrelman_sync.__path__, "barrelman_sync.") if "__main__" not in module.name]'; \
    echo 'barrelman-sync:x:65532:' >> /etc/group; \
    echo 'barrelman-sync:x:65532:65532::/nonexistent:/usr/sbin/nologin' >> /etc/passwd
ENV PATH=/opt/barrelman-sync/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532
ENTRYPOINT ["barrelman-sync"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="barrelman-sync" \
      org.opencontainers.image.description="Mirrors the NodePort services of one Kubernetes cluster into another" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
