/** A JSON Schema (draft 7), which is what AsyncAPI takes. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** A place in the same document: `#/channels/…`, a JSON Pointer (RFC 6901) in a URI fragment. */
export interface Reference {
  readonly $ref: string;
}

/** AsyncAPI's Message Object; its payload is the whole envelope. */
export interface ContractMessage {
  readonly name: string;
  readonly title: string;
  readonly summary?: string;
  readonly description?: string;
  readonly payload: JsonSchema;
}

/** AsyncAPI's Channel Object: a path, and what is said on it. */
export interface ContractChannel {
  readonly address: string;
  /** The classes of the gateways. */
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

/** AsyncAPI's Operation Object, as the server sees it: it receives what clients send. */
export interface ContractOperation {
  readonly action: 'receive' | 'send';
  readonly channel: Reference;
  readonly title: string;
  readonly summary?: string;
  readonly description?: string;
  readonly messages: readonly Reference[];
  readonly reply?: { readonly channel: Reference; readonly messages: readonly Reference[] };
  /** AsyncAPI 3.0 has no `deprecated` of operations. */
  readonly 'x-deprecated'?: boolean;
  /** `ChatGateway.say`; `ChatGateway` alone where the class declares an event. */
  readonly 'x-handler': string;
  readonly security?: readonly (Reference | SecurityScheme)[];
}

/** AsyncAPI's Security Scheme Object; those of OpenAPI are taken as well. */
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

/** An AsyncAPI 3.0.0 document, as `createContract` makes it: a plain JSON object, always in the same order. */
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
