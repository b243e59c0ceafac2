# docker build -t fakefaces . && docker run --rm -it --network host fakefaces make repro ui
FROM python:3.12-slim

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home fakefaces

USER 1000
WORKDIR /home/fakefaces/project
# The environment is a layer of its own, which an edit of the code does not make anew.
COPY --chown=fakefaces Makefile pyproject.toml uv.lock README.md LICENSE ./
COPY --chown=fakefaces src ./src
RUN make setup
COPY --chown=fakefaces . .

CMD ["make", "repro"]
