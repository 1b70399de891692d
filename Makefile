# make without a target lists what there is.

GO       ?= go
FUZZTIME ?= 20s
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
GENERATE ?= --month 2026-10 --events 1000000 --devices 120000
BENCH    ?=
TAGS     ?=
CRASH    ?=
BENCH_README ?= --events 8000000 --devices 889000 --runs 2 --warm
README_PEERS ?=
CURVES   ?= --curves all --runs 2
PLAIN_CASES ?= 250000
WITNESS_TRIALS ?= 20000
RANDOM_CASES ?= 5000
AGREE_CASES ?= 5000
SEEDS    ?= 20000
FROM     ?= 1
SEED     ?= 0
HUNT     ?= 10000
ONLY     ?=
VULNDB   ?= latest
GOVULNCHECK   = golang.org/x/vuln/cmd/govulncheck@v1.9.0
HELM          = helm.sh/helm/v4/cmd/helm@v4.3.1
NFPM          = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
CYCLONEDX     = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
VERSITYGW     = github.com/versity/versitygw/cmd/versitygw@v1.8.0
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# Go is of the release that go.mod's toolchain line names, or newer: older ones have known holes in what is used of the standard
# library. It is fetched where the machine has an older one, also where the machine's own settings forbid it, and where it cannot be
# had, the machine's is taken. `make GOTOOLCHAIN=local …` takes that without asking.
ifneq ($(filter-out help clean fmt,$(MAKECMDGOALS)),)
ifneq ($(origin GOTOOLCHAIN),command line)
GOTOOLCHAIN := $(shell GOTOOLCHAIN=auto $(GO) version >/dev/null && echo auto || echo local)
ifeq ($(GOTOOLCHAIN),local)
$(warning warning: $(shell sed -n 's/^toolchain //p' go.mod), which go.mod names, is not to be had: $(shell GOTOOLCHAIN=local $(GO) env GOVERSION) is used, which may have known vulnerabilities (make vuln))
endif
endif
export GOTOOLCHAIN
endif

.DEFAULT_GOAL := help
.PHONY: help build demo test test-assembly test-purego test-kafka test-postgres test-s3 test-rating test-verify test-witnesses crash sim mutants race test-race fmt lint notices vuln fuzz bench bench-readme bench-curves bench-reading bench-scale bench-profile bench-micro tzdata generate chart test-image release clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1|/' | column -t -s '|'

build: ## build ingest and rollup into bin/; TAGS=gcs with Google Cloud Storage
	$(GO) build -trimpath -tags "$(TAGS)" -ldflags "-X headcount/cmd/cli.Version=$(VERSION)" -o bin/ ./cmd/ingest ./cmd/rollup

demo: build ## a month of a million events from broker to invoices, on this machine alone
	GO="$(GO)" endtoend/demo.sh

test: ## all tests, on the embedded broker
	$(GO) test -shuffle=on -timeout 40m ./...

test-assembly: ## which assembly runs on this machine, and so is tested here; HEADCOUNT_ASSEMBLY=all: fail where one does not
	$(GO) test -count=1 -v -run '^TestAssembly$$' $$(git ls-files '*.s' | xargs -n 1 dirname | sort -u | sed 's|^|./|')

test-purego: ## the tests of the packages that have assembly, on the plain code that runs where a processor lacks what it takes
	$(GO) test -tags purego -shuffle=on -timeout 40m ./events/... ./counter/...

test-kafka: ## the tests that talk to a broker, on Apache Kafka (Java 17 and Maven; HEADCOUNT_KAFKA=host:port for one that runs)
	HEADCOUNT_KAFKA="$${HEADCOUNT_KAFKA:-start}" $(GO) test -count=1 -shuffle=on -timeout 40m ./endtoend/apachekafka/... ./events/stream/... ./endtoend

test-postgres: ## the ledger, and whole months, on a PostgreSQL server started for it (HEADCOUNT_POSTGRES=postgres://user@host/db for one that runs)
	endtoend/postgres.sh sh -c '$(GO) test -count=1 -shuffle=on -timeout 40m ./rating/ledger/... ./verify/chain && $(GO) test -count=1 -timeout 40m ./endtoend -run Postgres'

test-s3: ## the state store, and a whole month, on an S3 server built for it (HEADCOUNT_VERSITYGW=PROGRAM for one that is there)
	test -n "$$HEADCOUNT_VERSITYGW" || GOBIN="$(CURDIR)/bin" $(GO) install $(VERSITYGW)
	HEADCOUNT_VERSITYGW="$${HEADCOUNT_VERSITYGW:-$(CURDIR)/bin/versitygw}" $(GO) test -count=1 -timeout 10m ./counter/checkpoint/object ./endtoend -run 'Gateway'

test-rating: ## a million random accounts rated by Rate and by a plain rater (PLAIN_CASES=250000 of each of four kinds), and months by what verify rates with
	$(GO) test -count=1 -v -timeout 3h ./rating -run '^TestPlainRater$$' -args -plain-cases $(PLAIN_CASES)
	$(GO) test -count=1 -v -timeout 3h ./verify/reprice -run '^TestAgree$$' -args -agree-cases $(AGREE_CASES)

crash: build ## kill real processes on Apache Kafka, ten thousand times, and compare; CRASH="--cycles 100 --help" for less
	$(GO) run ./endtoend/crash $(CRASH)

sim: ## the whole way simulated with faults: SEEDS=20000 of them from FROM=1, or SEED=n again, telling what happens
	$(GO) test -count=1 -v -timeout 12h ./endtoend/sim -run '^TestSimulation$$' -args -seeds $(SEEDS) -from $(FROM) -seed $(SEED)

mutants: ## bugs put in on purpose, each looked for by the simulation within HUNT=10000 seeds; ONLY="name" for some
	$(GO) test -count=1 -v -timeout 6h ./endtoend/sim -run '^TestMutants$$' -args -hunt $(HUNT) -only "$(ONLY)"

test-verify: ## ten thousand random months closed by the product and verified by the second implementation; RANDOM_CASES=5000 of two months
	$(GO) test -count=1 -v -timeout 3h ./verify -run '^TestRandomMonths$$' -args -random-cases $(RANDOM_CASES)

test-witnesses: ## how far sketches may lie from exact counts: WITNESS_TRIALS=20000 sketches of up to a million devices
	$(GO) test -count=1 -v -timeout 3h ./rollup/usage -run '^TestWitnesses$$' -args -witness-trials $(WITNESS_TRIALS)

race: ## all tests under the race detector; the long ones skipped
	$(GO) test -race -short -shuffle=on -timeout 60m ./...

test-race: race

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

lint: ## gofmt, go vet (also for arm64 and without assembly), go mod tidy, third-party notices, golangci-lint with staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	$(GO) vet -tags purego ./events/... ./counter/...
	$(GO) mod tidy -diff
	$(GO) run ./deploy/notices -check
	$(GO) run $(GOLANGCI_LINT) run ./...

notices: ## THIRD_PARTY_NOTICES, of what is linked today
	$(GO) run ./deploy/notices

vuln: build ## known vulnerabilities in what is used, in the source and in what make builds; VULNDB=version of golang.org/x/vulndb
	@set -e; db=$$(mktemp -d); trap 'rm -rf "$$db"' EXIT; \
	$(GO) run golang.org/x/vulndb/cmd/indexdb@$(VULNDB) -out "$$db" \
		-vulns "$$($(GO) mod download -json golang.org/x/vulndb@$(VULNDB) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/data/osv"; \
	$(GO) run $(GOVULNCHECK) -db "file://$$db" ./...; \
	for b in bin/ingest bin/rollup; do \
		$$b version; $(GO) run $(GOVULNCHECK) -db "file://$$db" -mode=binary $$b; \
	done

fuzz: ## every fuzz test for FUZZTIME (20s) each
	@set -e; for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
			echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzzminimizetime 100x -fuzztime $(FUZZTIME) $$p; \
		done; \
	done

bench: ## Headcount beside DuckDB, franz-go, kafka-go, Kafka Streams and Flink on Apache Kafka; BENCH="--only franz --help" for others
	$(GO) run ./bench/way $(BENCH)

bench-readme: ## the same with eight million events, into README.md and its chart (5 minutes); README_PEERS="--only flink --add" for one peer anew
	$(GO) run ./bench/way $(BENCH_README) $(README_PEERS) --json bench/way.json --svg bench/way.svg --readme README.md

bench-curves: ## Headcount from few to many devices, apps, partitions, codecs, processes; CURVES="--curves apps --scale 0.1" for less
	@mkdir -p bench/curves
	$(GO) run ./bench/way --out bench/curves $(CURVES)

bench-reading: ## reading alone on Apache Kafka beside franz-go and kafka-go; READING="--records … --help" for more
	$(GO) run ./bench/reading $(READING)

bench-scale: ## counting from memory at one and ten million devices: CPU, memory, pauses, checkpoints, restarts; SCALE="--help" for more
	$(GO) run ./bench/scale $(SCALE)

bench-profile: ## where Headcount's CPU goes, on Apache Kafka: bin/ingest.prof and its head
	@mkdir -p bin
	$(GO) run ./bench/way --only none --cpuprofile $(CURDIR)/bin/ingest.prof $(BENCH)
	$(GO) tool pprof -top -nodecount 40 bin/ingest.prof

bench-micro: ## the packages' own benchmarks; COUNT=10 > new.txt for benchstat
	$(GO) test -run '^$$' -bench . -benchmem -count $(or $(COUNT),1) ./...

tzdata: ## the tz database of the programs, of the newest release that PyPI has as the wheel tzdata (python3 with pip)
	@set -e; d=$$(mktemp -d); trap 'rm -rf "$$d"' EXIT; \
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$$d" tzdata; \
	$(GO) run ./deploy/tzdata "$$d"/tzdata-*.whl internal/zoneinfo/zoneinfo.zip

generate: ## a month of events as NDJSON in data/; GENERATE="--events … --help" for others
	@mkdir -p data
	$(GO) run ./endtoend/generate $(GENERATE) --out data/events.ndjson
	@ls -lh data/events.ndjson

chart: ## deploy/kubernetes, of the Helm chart as it is now
	$(GO) run $(HELM) lint --strict deploy/helm
	$(GO) run $(HELM) template headcount deploy/helm --namespace headcount -f deploy/kubernetes/values.yaml > deploy/kubernetes/headcount.yaml

test-image: ## tests of deploy/image, a module of its own
	cd deploy/image && $(GO) vet ./... && $(GO) test ./... && $(GO) mod tidy -diff

release: ## programs, image, .deb, .rpm and SBOM for amd64 and arm64 in dist/, the same bytes each time
	GO="$(GO)" VERSION="$(VERSION)" NFPM="$(NFPM)" CYCLONEDX="$(CYCLONEDX)" deploy/release.sh

clean: ## remove what was built, not what was counted
	rm -rf bin dist
