// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "relevo",
  products: [
    .executable(name: "relevo", targets: ["relevo"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-atomics", from: "1.3.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .systemLibrary(name: "CLibevent", pkgConfig: "libevent", providers: [.apt(["libevent-dev"])]),
    .target(name: "EventLoop", dependencies: ["CLibevent"], swiftSettings: strict),
    .target(name: "HTTP1", swiftSettings: strict),
    .target(
      name: "URLMap",
      dependencies: [.product(name: "Atomics", package: "swift-atomics")],
      swiftSettings: strict),
    .target(
      name: "Proxy",
      dependencies: [
        "EventLoop", "HTTP1", "URLMap",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "relevo",
      dependencies: [
        "EventLoop", "Proxy", "URLMap",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(name: "HTTP1Tests", dependencies: ["HTTP1"]),
    .testTarget(name: "URLMapTests", dependencies: ["URLMap"]),
    .testTarget(name: "EventLoopTests", dependencies: ["EventLoop"]),
    .testTarget(name: "ProxyTests", dependencies: ["Proxy"]),
    .testTarget(name: "RelevoTests", dependencies: ["relevo"]),
    .testTarget(name: "EndToEndTests", dependencies: ["relevo"]),
  ]
)
