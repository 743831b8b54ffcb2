# `make help` lists what there is. Recipes stay short: a step that needs more than a line is a script in scripts/.

ARGS ?=
SWIFT_FLAGS ?=
export PYTHONDONTWRITEBYTECODE = 1

swift_sources = $(wildcard Package.swift Sources Tests schema)
venv_python = .build/venv/bin/python
# Debug builds compile C optimised: key derivation and SQLite are C, and tests do not debug them.
debug_build = swift build -Xcc -O2 $(SWIFT_FLAGS)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench chaos format lint clean web test-swift test-web test-integration test-browser

help: ## This list
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "  make %-14s %s\n", $$1, $$2 }' | sed 's/make   /make /'
	@echo
	@echo 'Variables (of make or of the environment):'
	@echo '  ARGS                  more arguments for `make demo`, `make bench` and `make chaos`: make demo ARGS="--port 9000"'
	@echo '  SWIFT_FLAGS           more arguments for every `swift build` and `swift test`'
	@echo '  EMBAN_CLICKHOUSE_BIN  a ClickHouse program (25.8 or newer) to use; otherwise the one in PATH, otherwise a downloaded one'
	@echo '  EMBAN_SETUP_CACHE     a folder that keeps downloads, for several checkouts or a machine without a network'
	@echo '  EMBAN_TEST_WORKERS    how many files of Python tests run at a time (2)'
	@echo '  EMBAN_SCREENSHOTS     1: browser tests leave pictures in .build/screenshots'
	@echo '  EMBAN_CHROMIUM        the Chromium to use in tests and benchmarks'
	@echo '  PYTHON, CC            the Python (3.10 or newer) and the C compiler to use'

setup: ## Install what building and testing need (only what is missing; downloads are pinned by hash)
	@scripts/setup test

# The Swift build takes all the time: everything else happens beside it.
build: ## Build .build/release/emban and the browser files that it serves
	@scripts/setup packages
	@exec scripts/together \
	  swift 'swift build -c release --product emban $(SWIFT_FLAGS)' \
	  web 'scripts/setup clickhouse echarts && node web/build.mjs'

demo: build ## Build, then run emban with demo data on this machine
	@exec .build/release/emban demo --data-dir .build/demo-data $(ARGS)

test: lint ## Everything that must hold: lint, unit and integration tests with a real ClickHouse, browser tests
	@scripts/setup packages test-packages
	@exec scripts/together \
	  swift '$(debug_build) --build-tests' \
	  web 'scripts/setup clickhouse echarts test-tools && node web/build.mjs && scripts/web-tests'
	@scripts/step 'Swift tests' scripts/swift-tests $(SWIFT_FLAGS)
	@scripts/step 'integration and browser tests' scripts/python-tests

test-swift: web ## Only the Swift tests
	@scripts/setup build
	@scripts/step 'Swift build' $(debug_build) --build-tests
	@scripts/step 'Swift tests' scripts/swift-tests $(SWIFT_FLAGS)

test-web: web ## Only the TypeScript tests that need no browser
	@scripts/step 'web tests' scripts/web-tests

test-integration: web ## Only the tests of the running program from outside
	@scripts/setup test
	@scripts/step 'Swift build' $(debug_build) --product emban
	@scripts/step 'integration tests' scripts/python-tests Tests/IntegrationTests

test-browser: web ## Only the browser tests
	@scripts/setup test
	@scripts/step 'Swift build of the example' $(debug_build) --product EmbanExample
	@scripts/step 'Swift build' $(debug_build) --product emban
	@scripts/step 'browser tests' scripts/python-tests Tests/BrowserTests

bench: ## Build, then run the benchmarks; only their JSON goes to standard output
	@$(MAKE) --no-print-directory build 1>&2
	@scripts/setup test-packages test-tools 1>&2
	@$(venv_python) benchmarks/run.py $(ARGS)

chaos: ## Build, then send events through faults for ten minutes and count them: kill -9, frozen processes, full disks, jumping clocks
	@$(MAKE) --no-print-directory build
	@scripts/setup test-packages test-tools
	@exec $(venv_python) scripts/chaos $(ARGS)

web: ## Only the browser files, into .build/share/emban/web
	@scripts/setup packages echarts
	@scripts/step 'web build' node web/build.mjs

format: ## Format the Swift sources
	@swift format -i -p -r $(swift_sources)

lint: ## Check formatting, TypeScript types and what must not be in the repository
	@scripts/step 'tree' scripts/check-tree
	@scripts/step 'Swift format' swift format lint --strict -p -r $(swift_sources)
	@scripts/setup packages
	@scripts/step 'TypeScript types' node web/build.mjs --check

clean: ## Remove everything that was built or downloaded, and the demo's data
	rm -rf .build
