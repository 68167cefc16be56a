# Two commands: `make tour` and `make test`. Each does all the set-up that it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOUR := WORKBENCH_HOME=$(CURDIR)/build/tour/home $(BIN)/workbench
SYSTEM_PACKAGES := python3-venv
PROGRAMS := chromium nats-server rabbitmq-server redis-server
ALONE := tests/capture/test_generated.py tests/corpus tests/bundle/test_registry.py tests/faces/test_helptext.py

.PHONY: tour test engines check bench format clean

tour: $(VENV)/.tour
	[ ! -d build/tour/home ] || $(TOUR) shutdown --all
	rm -rf build/tour && mkdir -p build
	$(TOUR) tour build/tour --run

# Most tests wait for processes of their own: three at a time, whole files each, so that what a file starts is started
# once. After them come those that need the machine to themselves: generated programs, whose capture goes through all
# that Python holds (ten times as much where other tests ran before), the corpus, which says what became of it, and what
# looks at the terminal or at the folders of other users.
test: $(VENV)/.test $(VENV)/.programs
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 30 $(addprefix --ignore=,$(ALONE))
	$(BIN)/python -m pytest $(ALONE)

# Ray and Spark are larger than all else together, and Spark needs Java: what runs on them is tested by itself.
engines: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[ray,spark]'
	$(BIN)/python -m pytest tests/engines

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) build dist

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then apt-get update -qq && apt-get install -y -qq $(SYSTEM_PACKAGES); fi
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/.tour: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[tour]'
	touch $@

# A browser, and the servers that tests start; where they cannot be installed those tests skip, and fail in CI.
$(VENV)/.programs: | $(VENV)/.python
	@for program in $(PROGRAMS); do \
		command -v $$program >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
		{ apt-get update -qq; RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PROGRAMS); break; } || true; \
	done
	touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@ $(VENV)/.tour
