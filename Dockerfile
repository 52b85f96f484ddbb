# The Node that the tests run on; dev/node/package.json pins the same one, and a test holds the two together.
FROM node:24.21.0-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY dev/node/package.json dev/node/
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm ci --omit=dev --omit=optional

FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /opt/headwaiter
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
# Keys and budgets: the default of store.path leads here.
RUN install -d -o node -g node -m 700 /var/lib/headwaiter && install -d /etc/headwaiter \
  && ln -s /var/lib/headwaiter /etc/headwaiter/headwaiter-data
VOLUME /var/lib/headwaiter
# Where headwaiter.yaml is looked for; without one the demo runs.
WORKDIR /etc/headwaiter
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
# Another port, or TLS, needs a --health-cmd of its own.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/headwaiter/dist/main.js"]
CMD ["serve", "--host", "0.0.0.0"]
