/** A JSON Schema (draft 7), the default schema format of AsyncAPI. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** A reference within the document: a JSON Pointer (RFC 6901) in a URI fragment, `#/channels/…`. */
export interface Reference {
  readonly $ref: string;
}

/** AsyncAPI's Message Object. Its payload is the whole envelope. */
export interface ContractMessage {
  readonly name: string;
  readonly title: string;
  readonly summary?: string;
  readonly description?: string;
  readonly payload: JsonSchema;
}

/** AsyncAPI's Channel Object: a path and its messages. */
export interface ContractChannel {
  readonly address: string;
  /** The names of the gateway classes. */
  readonly title: string;
  readonly description?: string;
  readonly servers?: readonly Reference[];
  readonly parameters?: Readonly<Record<string, { readonly description?: string }>>;
  readonly messages: Readonly<Record<string, ContractMessage | Reference>>;
  readonly bindings: {
    readonly ws: {
      readonly method: 'GET';
      readonly query?: JsonSchema;
      readonly headers?: JsonSchema;
      readonly bindingVersion: string;
    };
  };
}

/** AsyncAPI's Operation Object, from the server's side: `receive` is what clients send. */
export interface ContractOperation {
  readonly action: 'receive' | 'send';
  readonly channel: Reference;
  readonly title: string;
  readonly summary?: string;
  readonly description?: string;
  readonly messages: readonly Reference[];
  readonly reply?: { readonly channel: Reference; readonly messages: readonly Reference[] };
  /** AsyncAPI 3.0 has no `deprecated` field in operations. */
  readonly 'x-deprecated'?: boolean;
  /** The handler, such as `ChatGateway.say`, or `ChatGateway` if the class declares the event. */
  readonly 'x-handler': string;
  readonly security?: readonly (Reference | SecurityScheme)[];
}

/** AsyncAPI's Security Scheme Object. OpenAPI's are accepted, too, and converted. */
export interface SecurityScheme {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** AsyncAPI's Server Object. */
export interface ContractServer {
  readonly host: string;
  readonly protocol: 'ws' | 'wss' | (string & {});
  readonly [field: string]: unknown;
}

/** An AsyncAPI 3.0.0 document, which `createContract` returns: a plain JSON object whose keys always have the same order. */
export interface Contract {
  readonly asyncapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly servers?: Readonly<Record<string, ContractServer>>;
  readonly defaultContentType: 'application/json';
  readonly channels: Readonly<Record<string, ContractChannel>>;
  readonly operations: Readonly<Record<string, ContractOperation>>;
  readonly components: {
    readonly schemas?: Readonly<Record<string, JsonSchema>>;
    readonly messages: Readonly<Record<string, ContractMessage>>;
    readonly securitySchemes?: Readonly<Record<string, SecurityScheme>>;
  };
}
