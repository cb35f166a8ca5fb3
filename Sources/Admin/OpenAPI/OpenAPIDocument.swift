/// The description of the API, as `openapi.json` beside this file has it.
public enum OpenAPIDocument {
  public static let bytes: [UInt8] = PackageResources.openapi_json
}
