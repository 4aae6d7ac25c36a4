# The gateway in a container: both programs, unprivileged, on a read-only root.
#
#   docker build -t sentrybox .
#   docker run --read-only --tmpfs /tmp -v sentrybox:/var/lib/sentrybox -v sentrybox-config:/etc/sentrybox -p 8443:8443 sentrybox
#
# For another architecture: docker buildx build --platform linux/arm64 . On amd64 that is cross-compiled, and
# only what installs the package runs in the emulator. BASE is any Debian 12 of the image's architecture,
# BUILD_BASE one of this machine's.
ARG BASE=debian:12-slim
ARG BUILD_BASE=${BASE}

FROM --platform=$BUILDPLATFORM ${BUILD_BASE} AS build
ARG GOPROXY TARGETARCH
# hack/package installs what it needs, Go included.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ENV PATH=/usr/local/go/bin:$PATH
RUN ${GOPROXY:+env GOPROXY="$GOPROXY"} hack/package ${TARGETARCH:-native} && mv build/sentrybox_*.deb /sentrybox.deb

FROM --platform=$TARGETPLATFORM ${BASE}
RUN --mount=type=bind,from=build,source=/sentrybox.deb,target=/sentrybox.deb \
    apt-get update && apt-get install -y --no-install-recommends /sentrybox.deb tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o sentrybox -g sentrybox -m 0700 /var/lib/sentrybox
USER sentrybox
VOLUME ["/var/lib/sentrybox", "/etc/sentrybox"]
EXPOSE 8443
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=3 \
    CMD ["sentrybox", "health", "--config", "/etc/sentrybox/config.yaml"]
ENTRYPOINT ["sentrybox"]
CMD ["run", "--config", "/etc/sentrybox/config.yaml"]
