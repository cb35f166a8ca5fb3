# Relevo on Debian 12 with Swift 6.2 or newer. `make` alone lists what there is.

SWIFT ?= swift
RELEASE = -c release --static-swift-stdlib --product relevo

.DEFAULT_GOAL := help
.PHONY: help run build test bench format lint sanitize fuzz image prove-image swift-there

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build Relevo and start its demo: two small sites and the proxy on http://localhost:8080
	@exec "$$($(SWIFT) build $(RELEASE) --show-bin-path)/relevo" demo

build: swift-there ## build the release binary, with the Swift runtime linked in
	@.ci/packages build
	$(SWIFT) build $(RELEASE)

test: swift-there ## build and run all tests
	@.ci/packages build test
	$(SWIFT) build --build-tests
	@SWIFT="$(SWIFT)" .ci/tests

bench: build ## measure Relevo beside its peers (ARGS="--rounds 3 --strace")
	@.ci/packages bench
	RELEVO_BINARY="$$($(SWIFT) build $(RELEASE) --show-bin-path)/relevo" Benchmarks/run $(ARGS)

format: swift-there ## format the Swift sources in place
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests Fuzz

lint: swift-there ## check the format of the Swift sources; any finding is an error
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests Fuzz

# Sanitizers multiply what a process holds; XCTest, which no test here uses, leaks a little of its own.
SANITIZED := RELEVO_TEST_MEMORY_MB=1024 RELEVO_TEST_PATIENCE=3

sanitize: swift-there ## run all tests under the address sanitizer, then under the thread sanitizer
	@.ci/packages build test
	$(SANITIZED) $(SWIFT) test --disable-xctest --sanitize address --scratch-path .build-asan
	$(SANITIZED) $(SWIFT) test --disable-xctest --sanitize thread --scratch-path .build-tsan

fuzz: swift-there ## fuzz all that reads bytes from outside, each target for FUZZ_SECONDS (60)
	@.ci/packages build
	Fuzz/run $(TARGETS)

image: ## build the container image (needs Docker)
	docker build --file docker/Dockerfile --tag relevo .

prove-image: build ## prove the image's runtime stage without a container engine (needs root)
	@.ci/packages image
	docker/prove-runtime "$$($(SWIFT) build $(RELEASE) --show-bin-path)/relevo"

swift-there:
	@command -v $(SWIFT) >/dev/null || { echo "Swift is not installed: see https://www.swift.org/install/linux/" >&2; exit 69; }
