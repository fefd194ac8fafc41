# An image with the command `provisioner`. Build a wheel first: make wheel
#
#   docker build -t provisioner .
#   docker run --rm -v "$PWD:/project" -e DATABRICKS_TOKEN provisioner plan -e dev
ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS build
WORKDIR /build
COPY requirements/runtime.txt requirements.txt
COPY wheels/ wheels/
# The dependencies come with hashes. The wheel is the one of this checkout, so it has none.
RUN python -m venv /opt/provisioner \
 && /opt/provisioner/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
 && /opt/provisioner/bin/pip install --no-cache-dir --no-deps wheels/serving_provisioner-*.whl

FROM python:${PYTHON}-slim
# `plan --changed-since`, `apply --require-tip` and `history` run git.
RUN apt-get update \
 && apt-get install -y --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home provisioner
COPY --from=build /opt/provisioner /opt/provisioner
ENV PATH=/opt/provisioner/bin:$PATH
USER provisioner
WORKDIR /project
ENTRYPOINT ["provisioner"]
CMD ["--help"]
