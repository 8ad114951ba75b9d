# The service alone: production dependencies, the sources it runs from, Node, and nothing else; no shell, not root.
# Everything it writes is under /data; the rest of the file system may be read-only.

FROM node:24-bookworm-slim AS build
WORKDIR /ledgate
COPY package.json package-lock.json ./
COPY apps ./apps
COPY packages ./packages
# Native parts come as prebuilt files in the packages: no compiler is needed, and no install script is run.
RUN npm ci --omit=dev --ignore-scripts --workspace=@ledgate/auth \
  && find apps packages -name '*.test.ts' -delete \
  && mkdir /data

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /ledgate
COPY --from=build /ledgate/node_modules ./node_modules
COPY --from=build /ledgate/package.json ./package.json
COPY --from=build /ledgate/packages ./packages
COPY --from=build /ledgate/apps/auth ./apps/auth
COPY --from=build --chown=nonroot:nonroot /data /data
ENV NODE_ENV=production LEDGATE_HOST=0.0.0.0 LEDGATE_PORT=4040 LEDGATE_DATA_DIR=/data
VOLUME /data
EXPOSE 4040
USER nonroot
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/nodejs/bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.LEDGATE_PORT}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/nodejs/bin/node", "--conditions=@ledgate/source", "--disable-warning=ExperimentalWarning"]
CMD ["apps/auth/src/main.ts"]
