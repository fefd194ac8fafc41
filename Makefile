# Two commands for newcomers: `make demo` and `make test`. Both set up .venv themselves.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m provisioner
# Keys for the local workspace, which stores them and never calls a provider.
DEMO_KEYS := OPENAI_API_KEY=demo-openai ANTHROPIC_API_KEY=demo-anthropic COHERE_API_KEY=demo-cohere \
             AWS_ACCESS_KEY_ID=demo-aws-id AWS_SECRET_ACCESS_KEY=demo-aws-key

.PHONY: docs docs-serve docs-reference demo wheel test check format bench proofs langchain browser pictures lock clean

demo: .venv/runtime
	@rm -rf .provisioner/local.sqlite*
	@echo '$$ provisioner apply -y      # environment local: examples/tutorial on the local workspace'
	@$(DEMO_KEYS) $(RUN) apply -y
	@echo
	@echo '$$ provisioner plan          # the second plan has no changes'
	@$(DEMO_KEYS) $(RUN) plan
	@echo
	@echo '$$ provisioner status'
	@$(RUN) status
	@echo
	@echo '$$ provisioner query openai-completions-endpoint --prompt "What is the capital of France?"'
	@$(RUN) query openai-completions-endpoint --prompt "What is the capital of France?"

# One worker more than there are cores: much of a test is waiting for another process.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)))

# Three workers read the same test files: what one has compiled, the others need not.
unexport PYTHONDONTWRITEBYTECODE

test: .venv/dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# A wheel of this checkout in wheels/, to install elsewhere or to hand to `provisioner init --wheel`.
wheel: .venv/runtime
	@$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w wheels .
	@ls wheels/*.whl

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(RUN) schema --check schemas
	$(BIN)/python docs/generate.py --check

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(RUN) schema --write schemas
	$(BIN)/python docs/generate.py
	for folder in . examples/*/; do $(RUN) fmt -q -C $$folder || exit; done

bench: .venv/dev
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python tests/benchmarks/emulator.py

# All parts, or `make proofs PART=kill`. A part goes on where it was interrupted; SEED=1 tries other cases, ANEW=1 all again.
proofs: .venv/dev
	$(BIN)/python tests/support/prove.py $(PART) --seed $(or $(SEED),0) $(if $(ANEW),--anew)

# In a separate virtual environment: LangChain needs 700 MB and older versions of shared dependencies.
# LangChain leaves connections to the garbage collector, which pytest reports as an error.
langchain: .venv/langchain/installed
	.venv/langchain/bin/python -m pytest -W ignore::ResourceWarning -k langchain \
	  tests/clients/test_langchain.py tests/clients/test_snippets.py

# The console and the HTML report in Debian's Chromium, and the Mermaid charts in the real mermaid package.
browser: .venv/browser
	$(BIN)/python -m pytest -m browser -n 2 tests/browser

pictures: .venv/browser
	$(BIN)/python docs/picture.py
	PYTHONPATH=.:tests:tests/support:tests/browser $(BIN)/python tests/browser/pictures.py
	PYTHONPATH=.:tests:tests/support:tests/browser $(BIN)/python tests/browser/console_picture.py

# The documentation as a site in site/, with search. `make docs-serve` shows it while you write.
docs: .venv/docs
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 .venv/docs-site/bin/mkdocs build --strict --quiet
	@echo "site/index.html"

docs-serve: .venv/docs
	.venv/docs-site/bin/mkdocs serve

docs-reference: .venv/runtime
	$(BIN)/python docs/generate.py

# Pins what is installed, for every Python from 3.11 on; needs a package index. Keeps the versions that still fit;
# `make lock UPGRADE="databricks-sdk openai"` takes the newest versions of these packages.
COMPILE = .venv-lock/bin/uv pip compile --quiet --universal -p 3.11 --generate-hashes --no-emit-index-url --no-header \
  --no-annotate $(addprefix --upgrade-package ,$(UPGRADE))
STARTER_LOCK = provisioner/commands/init/templates/project/requirements.txt
lock:
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv
	printf 'editables\nhatchling\n' | $(COMPILE) -o requirements/runtime.txt pyproject.toml -
	{ sed '/^[^#]/,$$d' $(STARTER_LOCK); cat requirements/runtime.txt; } >.venv-lock/starter && cp .venv-lock/starter $(STARTER_LOCK)
	$(COMPILE) --extra dev --extra clients --extra sql -c requirements/runtime.txt -o requirements/dev.txt pyproject.toml
	$(COMPILE) --extra browser -c requirements/dev.txt -o requirements/browser.txt pyproject.toml
	$(COMPILE) --extra docs -o requirements/docs.txt pyproject.toml
	printf 'editables\nhatchling\nhypothesis\npytest\n' | $(COMPILE) --extra langchain -o requirements/langchain.txt pyproject.toml -
	rm -rf .venv-lock

clean:
	rm -rf .venv .provisioner build dist

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/runtime: requirements/runtime.txt pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.venv/dev: requirements/dev.txt .venv/runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.venv/langchain/installed: requirements/langchain.txt pyproject.toml | .venv/bin/python
	$(PYTHON) -m venv .venv/langchain
	.venv/langchain/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/langchain.txt
	.venv/langchain/bin/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.venv/docs: requirements/docs.txt .venv/runtime
	$(PYTHON) -m venv .venv/docs-site
	.venv/docs-site/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

.venv/browser: requirements/browser.txt tests/browser/package-lock.json .venv/dev
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" || { echo "no Chromium; install it: apt-get install -y chromium"; exit 1; }
	@command -v npm >/dev/null || { echo "no npm; install it: apt-get install -y npm"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/browser.txt
	cd tests/browser && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@
