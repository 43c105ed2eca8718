import { Logger, type INestApplicationContext } from '@nestjs/common';
import { ENVELOPE_OPTIONS } from '../nest/envelope-module.js';
import { layer, type EnvelopeOptions } from '../nest/options/options.js';
import { findAdapter } from '../nest/gateways/find-adapter.js';
import { exploreGateways, findProvider, type Gateway } from '../nest/gateways/gateway-explorer.js';
import { gatewayMountPoint } from '../nest/gateways/gateway-mount-point.js';
import { assertApplication, assertOptions, isRecordLike, refuseOption } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { mountPointName, type MountPoint } from '../server/upgrade/mount-point.js';
import { applicationInfo } from './application-info.js';
import { ChannelBuilder } from './channel-builder.js';
import type { Contract, ContractOperation, ContractServer, SecurityScheme } from './asyncapi-types.js';
import { slug, sorted, unique, unlessEmpty } from './naming.js';
import { exceptionMessage } from './messages.js';
import { loadPeers } from './optional-peers.js';
import type { SchemaConverter } from './exported-schema.js';
import { Schemas } from './schemas.js';
import { SecuritySchemes } from './security.js';
import { serversOf } from './servers.js';

/** Options of {@link createContract}: what the application itself does not define. */
export interface ContractOptions extends Pick<EnvelopeOptions, 'path' | 'port'> {
  /** Default: the name in the application's package.json. */
  title?: string;
  /** The version of the application's own events. Default: the version in the application's package.json. */
  version?: string;
  /** The description of the whole application. */
  description?: string;
  /** AsyncAPI's Server Objects by name: `{ production: { host: 'example.com', protocol: 'wss' } }`. */
  servers?: Readonly<Record<string, ContractServer>>;
  /** AsyncAPI's or OpenAPI's Security Scheme Objects by name. They override those that guards declare. */
  securitySchemes?: Readonly<Record<string, SecurityScheme>>;
  /**
   * Converts Standard Schemas to JSON Schema, for libraries that do not, such as valibot, and for schemas that have none, such as
   * `z.date()`. The same function as `standardSchemaConverter` of `@nestjs/swagger`. Where it returns `undefined`, and by default, the
   * library of the schema does it.
   */
  schemaConverter?: SchemaConverter;
}

/**
 * Describes the gateways of an application as an AsyncAPI 3.0.0 document: the events that clients may send, their answers, and the
 * events that the server emits. The application does not need to listen: `NestFactory.create(AppModule, { preview: true })`
 * is enough.
 *
 * The default path and port come from the application's `EnvelopeAdapter`, if it has one already, or else from `EnvelopeModule`.
 * Pass the options `path` and `port` if the application uses neither.
 *
 * The default title and version are those of the application's package.json: the nearest one above the started script, or else
 * above the working directory.
 *
 * @example
 * const app = await NestFactory.create(AppModule, { preview: true });
 * const contract = await createContract(app, { title: 'Chat', version: '1.0.0' });
 *
 * @throws TypeError if `app` is not an application, or an option is unknown or malformed; Error if two different schemas have the
 * same name, if the library of a schema cannot write it as JSON Schema, if a security scheme is used but not described, or if a
 * path depends on options that preview does not create
 */
export async function createContract(
  app: INestApplicationContext,
  options: ContractOptions = {},
): Promise<Contract> {
  checkContractOptions('createContract', app, options);
  const schemas = new Schemas(app, await loadPeers(), options.schemaConverter);
  const security = new SecuritySchemes(options.securitySchemes);
  const gateways = exploreGateways(app);
  const settings = settingsOf(app, options, gateways);
  const channels = createChannels(gateways, settings, schemas);
  // all schemes first: one guard may use a scheme that another one describes
  for (const { demands } of channels) security.add(demands);
  const operations = new Map<string, ContractOperation>();
  for (const channel of channels) channel.addOperations(operations, security);
  for (const warning of schemas.warnings()) LOGGER.warn(warning);
  const { servers, referTo } = serversOf(options.servers, channels);
  const { title, version, description } = layer<ContractOptions>(options, applicationInfo());
  const contract: Contract = {
    asyncapi: '3.0.0',
    info: { title: title!, version: version!, ...(description !== undefined && { description }) },
    ...(servers && { servers }),
    defaultContentType: 'application/json',
    channels: sorted(
      channels.map((channel) => [channel.key, channel.toChannel(security, referTo(channel.mountPoint))]),
    ),
    // ordered by path, gateway name and handler: the order of the handlers in a gateway is its author's choice
    operations: Object.fromEntries(operations),
    components: {
      ...entry('schemas', schemas.components()),
      messages: { exception: exceptionMessage() },
      ...entry('securitySchemes', security.components()),
    },
  };
  // a plain object, even if a user's schema contains instances of classes
  return JSON.parse(JSON.stringify(contract)) as Contract;
}

/** All option names. A record, so that the compiler reports a missing one. */
const OPTION_NAMES: Readonly<Record<keyof ContractOptions, true>> = {
  title: true,
  version: true,
  description: true,
  servers: true,
  securitySchemes: true,
  schemaConverter: true,
  path: true,
  port: true,
};

const LOGGER = new Logger('EnvelopeContract');

/**
 * Checks the arguments of the functions that create a contract.
 *
 * @throws TypeError that names the function, the parameter or option, and the accepted values
 */
export function checkContractOptions(where: string, app: unknown, options: unknown): void {
  assertApplication(where, app);
  assertOptions(where, options, Object.keys(OPTION_NAMES), "{ title: 'Chat', version: '1.0.0' }");
  for (const name of ['title', 'version', 'description', 'path']) {
    const value: unknown = Reflect.get(options as object, name);
    if (value !== undefined && typeof value !== 'string') refuseOption(where, name, value, 'a text');
  }
  const converter: unknown = Reflect.get(options as object, 'schemaConverter');
  if (converter !== undefined && typeof converter !== 'function')
    refuseOption(
      where,
      'schemaConverter',
      converter,
      'a function, (schema, { schemaType }) => ({ schema: {} })',
    );
  for (const name of ['servers', 'securitySchemes']) {
    const value: unknown = Reflect.get(options as object, name);
    if (value !== undefined && !isRecordLike(value)) refuseOption(where, name, value, 'an object, by name');
  }
}

/** Returns the options that set the paths and the upgrade guards: those of the call, of the adapter or of the module. */
function settingsOf(
  app: INestApplicationContext,
  { path, port }: ContractOptions,
  gateways: readonly Gateway[],
): EnvelopeOptions {
  const ofModule = findProvider<EnvelopeOptions | null>(app, ENVELOPE_OPTIONS);
  const settings = layer({ path, port } as EnvelopeOptions, findAdapter(app)?._options ?? ofModule ?? {});
  const pathless = gateways.find(({ options }) => options.path === undefined);
  // preview does not call the factory of the module's options
  if (ofModule === null && settings.path === undefined && pathless !== undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_CONTRACT',
      new Error(
        `createContract: ${pathless.type.name} has no path, and preview does not create the options of ` +
          'EnvelopeModule.forRootAsync, which may set one. Pass the option path: "/" if the application uses the default',
      ),
    );
  return settings;
}

/** Creates a channel builder for each path, in the order of the paths. */
function createChannels(
  gateways: readonly Gateway[],
  settings: EnvelopeOptions,
  schemas: Schemas,
): ChannelBuilder[] {
  const byMountPoint = new Map<string, { mountPoint: MountPoint; gateways: Map<Gateway['type'], Gateway> }>();
  for (const gateway of gateways) {
    const mountPoint = gatewayMountPoint(gateway.port, gateway.options, settings);
    const shown = mountPointName(mountPoint);
    if (!byMountPoint.has(shown)) byMountPoint.set(shown, { mountPoint, gateways: new Map() });
    // two modules may provide the same class
    byMountPoint.get(shown)!.gateways.set(gateway.type, gateway);
  }
  const channels = new Map<string, ChannelBuilder>();
  for (const { mountPoint, gateways } of Object.values(sorted(byMountPoint))) {
    const { port, path, expression } = mountPoint;
    const shown = expression === undefined ? path : `${path}/name`;
    const key = unique(channels, port === 0 ? slug(shown) : slug(`port-${port}${shown}`));
    const byName = [...gateways.values()].sort((a, b) => (a.type.name < b.type.name ? -1 : 1));
    channels.set(key, new ChannelBuilder(key, mountPoint, byName, settings, schemas));
  }
  return [...channels.values()];
}

function entry<Name extends string, Value>(
  name: Name,
  record: Record<string, Value>,
): { [Key in Name]?: Record<string, Value> } {
  return (unlessEmpty(record) === undefined ? {} : { [name]: record }) as {
    [Key in Name]?: Record<string, Value>;
  };
}
