# docs/operating.md says how it is run. tests/it/packaging.rs holds it to the manifest and the binary.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /billfold
COPY Cargo.toml Cargo.lock README.md ./
COPY src src
# The manifest names their files.
COPY benches benches
COPY tests tests
RUN cargo build --locked --release --bin billfold && mkdir /data

# No shell, no package manager, no root.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /billfold/target/release/billfold /usr/local/bin/billfold
# A new volume takes over the owner of what is there.
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
ENV BILLFOLD_DATA=/data BILLFOLD_LISTEN=0.0.0.0:4242 BILLFOLD_LOG_FORMAT=json
VOLUME /data
EXPOSE 4242
ENTRYPOINT ["/usr/local/bin/billfold"]
CMD ["serve"]
