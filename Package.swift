// swift-tools-version: 6.2
import PackageDescription

// Exclusivity is proven by the debug build, in which all tests run; in the release build its checks at run time cost
// a plain request about 4 % of its CPU time.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let package = Package(
  name: "relevo",
  products: [
    .executable(name: "relevo", targets: ["relevo"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CLibevent", pkgConfig: "libevent_openssl", providers: [.apt(["libevent-dev"])]),
    .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
    .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "CSystemCalls"),
    .target(name: "EventLoop", dependencies: ["CLibevent", "CSystemCalls"], swiftSettings: strict),
    .target(name: "TLS", dependencies: ["COpenSSL", "CSystemCalls", "EventLoop"], swiftSettings: strict),
    .target(name: "HTTP1", swiftSettings: strict),
    .target(name: "HTTP2", dependencies: ["CNghttp2", "EventLoop", "HTTP1"], swiftSettings: strict),
    .target(name: "Addressing", swiftSettings: strict),
    .systemLibrary(name: "CPrefetch"),
    .target(name: "URLMap", dependencies: ["CPrefetch", "CSystemCalls"], swiftSettings: strict),
    .target(name: "MapFormats", dependencies: ["CExpat", "CZlib", "URLMap"], swiftSettings: strict),
    .target(name: "MapQueries", dependencies: ["URLMap"], swiftSettings: strict),
    .target(
      name: "Proxy",
      dependencies: [
        "Addressing", "EventLoop", "HTTP1", "HTTP2", "TLS", "URLMap",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(
      name: "Admin",
      dependencies: [
        "CCrypt", "EventLoop", "MapFormats", "MapQueries", "Proxy", "TLS", "URLMap",
        .product(name: "Logging", package: "swift-log"),
      ],
      // Part of the binary, which stays a single file.
      resources: [.embedInCode("Dashboard/Page"), .embedInCode("OpenAPI/openapi.json")],
      swiftSettings: strict),
    .executableTarget(
      name: "relevo",
      dependencies: [
        "Addressing", "Admin", "EventLoop", "HTTP1", "HTTP2", "MapFormats", "MapQueries", "Proxy", "TLS",
        "URLMap",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .executableTarget(name: "MapBenchmark", dependencies: ["URLMap"], path: "Benchmarks/MapBenchmark"),
    .testTarget(name: "HTTP1Tests", dependencies: ["HTTP1"]),
    .testTarget(name: "AddressingTests", dependencies: ["Addressing"]),
    .testTarget(name: "URLMapTests", dependencies: ["URLMap"]),
    .testTarget(name: "MapFormatsTests", dependencies: ["CZlib", "MapFormats", "URLMap"]),
    .testTarget(name: "MapQueriesTests", dependencies: ["MapQueries", "URLMap"]),
    .testTarget(name: "EventLoopTests", dependencies: ["EventLoop"]),
    .testTarget(name: "TLSTests", dependencies: ["COpenSSL", "TLS"]),
    .testTarget(
      name: "ProxyTests",
      dependencies: [
        "Addressing", "EventLoop", "HTTP1", "Proxy", "TLS", "URLMap",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(
      name: "AdminTests",
      dependencies: [
        "Admin", "EventLoop", "HTTP1", "MapFormats", "MapQueries", "Proxy", "TLS", "URLMap",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(
      name: "RelevoTests",
      dependencies: [
        "Addressing", "Admin", "EventLoop", "HTTP1", "MapFormats", "MapQueries", "Proxy", "URLMap", "relevo",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(name: "EndToEndTests", dependencies: ["CNghttp2", "EventLoop", "relevo", "URLMap"]),
  ]
)
