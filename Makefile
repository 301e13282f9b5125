# Thin on purpose: the commands are in tools/make.py, so that a machine without make has the same ones.
PYTHON ?= python3
COMMANDS = setup book test stem lint types unit kernels notebooks site bench gpu bench-gpu chapters offline clean

.PHONY: help $(COMMANDS)
.DEFAULT_GOAL := help

help $(COMMANDS):
	@$(PYTHON) tools/make.py $@ $(ONLY)
