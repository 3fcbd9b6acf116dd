# Two commands on a fresh machine (Python 3.11, make, git): make demo, make test.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests wait more than they work: more of them at a time than there are processors.
JOBS ?= 4

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types imports pytest conformance bench bench-quick bridgebench profile \
        chaos cutpoints overload abuse disks powerloss ha-demo boot scan http syscalls monitoring schemas bases lock deb clean

help: ## この一覧 / this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11")'
	@echo "必要なものを $(VENV) に入れています (初回のみ) / installing into $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# With DESTDIR or PREFIX it lays out a real installation; without, it makes what this tree needs to work.
install: $(READY) ## 開発環境を作る; DESTDIR= PREFIX=/usr で実機へ / the local environment, or a real installation
ifneq ($(DESTDIR)$(PREFIX),)
	@packaging/install.sh $(BIN)/python "$(DESTDIR)" "$(or $(PREFIX),/usr/local)" "$(or $(RUN_PYTHON),/usr/bin/python3)"
endif

demo: $(READY) ## 一日の県を動かす (KEEP=1 で動かしたままにする) / watch a prefecture work for a day
	@$(BIN)/jukinet-sim demo $(if $(KEEP),--keep) $(DEMO_ARGS)

test: lint types imports pytest ## すべての検査 / every check

lint: $(READY) ## 書き方と体裁 (ruff) / style and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY) ## 型 (mypy --strict) / types
	@$(BIN)/mypy

imports: $(READY) ## 部屋の上下関係 (import-linter) / the layers
	@$(BIN)/lint-imports --no-cache | tail -n 12

pytest: $(READY) ## 単体から受入まで / unit to acceptance
	@$(BIN)/pytest -q -n $(JOBS) $(PYTEST_ARGS)

conformance: $(READY) ## 適合試験を三通りに / the vectors: pure rules, over the wire, as a vendor runs them
	@$(BIN)/pytest -q tests/conformance $(PYTEST_ARGS)

bench: $(READY) ## 性能を測る (約15分) / measure everything: a table, build/bench.json
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-quick: $(READY) ## 同、小さな規模で (約3分) / the same at a small scale
	@$(BIN)/python -m benchmarks --quick $(BENCH_ARGS)

bridgebench: $(READY) ## 橋の所要時間の差 / the bridge, found and not found, timed
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.bridge_timing $(BRIDGE_ARGS)

profile: $(READY) ## 通知一件の時間の内訳 / where a notice's microseconds go: a table, a flame graph
	@$(BIN)/python -m benchmarks.profile

chaos: $(READY) ## 処理も回線も害し、審判にかける (N=60 SEED= REGISTER=) / kill, halt and cut everything under load, then judge
	@PYTHONPATH=tests $(BIN)/python -m campaign.chaos $(or $(N),60) $(if $(SEED),--seed $(SEED)) $(if $(REGISTER),--register $(REGISTER))

cutpoints: $(READY) ## 一件の全手順を切る / cut at every protocol step of one notice, before and after, in four ways
	@PYTHONPATH=tests $(BIN)/python -m campaign.cutpoints $(if $(ROTATE),--rotate)

overload: $(READY) ## 持続できる速さの二倍を 60 の CS から / twice what is sustained from sixty CS, then storms of reconnects
	@PYTHONPATH=tests $(BIN)/python -m campaign.overload $(OVERLOAD_ARGS)

abuse: $(READY) ## 二千の悪い相手を一度に (ABUSE_ARGS=) / two thousand bad peers at once, good ones timed
	@PYTHONPATH=tests $(BIN)/python -m abuse $(ABUSE_ARGS)

disks: $(READY) ## ディスクの故障 (strace) / a disk that fails, is full, is slow
	@PYTHONPATH=tests $(BIN)/python -c 'from support.debian import require; require({"strace": "strace"})'
	@$(BIN)/pytest -q tests/integration/test_disks.py $(PYTEST_ARGS)

FUSE := build/powerloss-venv
$(FUSE)/.ready: requirements/powerloss.txt
	@$(PYTHON) -m venv $(FUSE)
	@$(FUSE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

powerloss: $(READY) $(FUSE)/.ready ## 停電: fsync 前のものを失う (N=20 SEED=) / un-fsynced writes dropped under load, then judge
	@PYTHONPATH=tests $(BIN)/python -m powerloss --fuse-python $(FUSE)/bin/python $(or $(N),20) $(if $(SEED),--seed $(SEED))

ha-demo: $(READY) ## クラスタのリーダーを失う (Patroni・etcd; KILLS=1) / kill the leader of a cluster under load, then judge
	@PYTHONPATH=tests $(BIN)/python -m ha $(if $(KILLS),--kills $(KILLS))

boot: $(READY) ## 空の Debian に手引きどおり入れ、起動して調べる (MACHINE=qemu) / install by the book, boot, look from inside
	@$(MAKE) --no-print-directory deb
	@PYTHONPATH=tests $(BIN)/python -m boot $(if $(MACHINE),--machine $(MACHINE))

SCAN := build/scan/venv
$(SCAN)/.ready: requirements/scan.txt
	@$(PYTHON) -m venv $(SCAN)
	@$(SCAN)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

scan: $(READY) $(SCAN)/.ready ## TLSの戸口を走査する / sslyze and testssl.sh at every door that speaks TLS
	@command -v testssl >/dev/null || [ "$$(id -u)" != 0 ] || \
	  apt-get install -y -q --no-install-recommends testssl.sh >/dev/null
	@PYTHONPATH=tests $(BIN)/python -m scan --sslyze-python $(SCAN)/bin/python

HTTP := build/http-venv
$(HTTP)/.ready: requirements/http.txt
	@$(PYTHON) -m venv $(HTTP)
	@$(HTTP)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

http: $(READY) $(HTTP)/.ready ## HTTPの戸口に問う (EXAMPLES=10 SECONDS= SEED=) / schemathesis at every HTTP door
	@PYTHONPATH=tests $(BIN)/python -m asked --st $(HTTP)/bin/st $(if $(EXAMPLES),--examples $(EXAMPLES)) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

syscalls: $(READY) ## 呼ばれたシステムコールを unit の許可と比べる / calls seen by strace against the units' filter
	@command -v strace >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y -qq --no-install-recommends strace >/dev/null; } \
	  || { echo "strace がありません: apt-get install strace / strace is missing"; exit 1; }
	@$(BIN)/pytest -q tests/acceptance/test_syscalls.py $(PYTEST_ARGS)

monitoring: ## 警報の規則を promtool で調べる / check the alert rules with promtool
	@command -v promtool >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y -qq --no-install-recommends prometheus >/dev/null; } \
	  || { echo "promtool がありません: apt-get install prometheus / promtool is missing"; exit 1; }
	@promtool check rules config/monitoring/alerts.yml && promtool check config --syntax-only config/monitoring/prometheus.yml \
	  && promtool test rules tests/monitoring/alerts.test.yml

schemas: $(READY) ## 生成物を作り直す / regenerate the JSON Schemas, outcome table, schema dumps
	@PYTHONPATH=tests $(BIN)/python -m generate && PYTHONPATH=tests $(BIN)/python -m dump_schemas

bases: $(READY) ## 根拠の表を法令の本文から作り直す (LAW=フォルダ) / legal bases from the texts of the statutes
	@$(BIN)/python scripts/derive_bases.py $(LAW)

lock: $(READY) ## 依存を固定し直す / pin again, by hash and without addresses
	@for set in run dev; do \
	  $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url \
	    --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	    $$( [ $$set = dev ] && echo --extra dev ) --output-file requirements/$$set.txt pyproject.toml; \
	done
	@$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --output-file benchmarks/peers/requirements.txt benchmarks/peers/requirements.in

deb: ## Debian パッケージを作り、lintian で検査する / a Debian package in build/, looked at by lintian
	@rm -rf build/deb && $(MAKE) --no-print-directory install DESTDIR=build/deb PREFIX=/usr
	@packaging/deb.sh build/deb $$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) build/jukinet-daemon.deb
	@command -v lintian >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y -qq --no-install-recommends lintian >/dev/null; } \
	  || { echo "lintian がありません。検査を省きます: apt-get install lintian / lintian is missing, nothing checked"; exit 0; }; \
	  ! command -v lintian >/dev/null || lintian --allow-root --fail-on error build/jukinet-daemon.deb

.PHONY: fuzz fuzz-parsers
FUZZ := build/fuzz-venv
$(FUZZ)/.ready: $(READY) requirements/fuzz.txt
	@$(PYTHON) -m venv $(FUZZ)
	@$(BIN)/python -c 'import sysconfig as s; print("import site; site.addsitedir(%r)" % s.get_path("purelib"))' \
		> $$($(FUZZ)/bin/python -c 'import sysconfig as s; print(s.get_path("purelib"))')/beside.pth
	@$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

fuzz-parsers: $(FUZZ)/.ready ## 読み手を試す (FUZZ_SECONDS=60 FUZZ_TARGETS=) / every parser under atheris
	@PYTHONPATH=tests $(FUZZ)/bin/python -m fuzz --seconds $(or $(FUZZ_SECONDS),60) $(FUZZ_TARGETS)

fuzz: fuzz-parsers ## 読み手とHTTPの戸口を長く試す (FUZZ_SECONDS=60) / every parser under atheris, then make http
	@$(MAKE) --no-print-directory http EXAMPLES=100 SECONDS=$(or $(FUZZ_SECONDS),60)

clean: ## 作ったものを消す / remove what was made
	@rm -rf build $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
