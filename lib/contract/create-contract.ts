import type { INestApplicationContext } from '@nestjs/common';
import { ENVELOPE_OPTIONS } from '../nest/envelope-module.js';
import { layer, type EnvelopeOptions } from '../nest/options/options.js';
import { findAdapter } from '../nest/gateways/find-adapter.js';
import { exploreGateways, findProvider, type Gateway } from '../nest/gateways/gateway-explorer.js';
import { gatewayMountPoint } from '../nest/gateways/gateway-mount-point.js';
import { assertApplication, assertOptions, isRecordLike, refuseOption } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { showMountPoint, type MountPoint } from '../server/upgrade/mount-point.js';
import { applicationInfo } from './application-info.js';
import { ChannelDraft } from './channel-builder.js';
import type { Contract, ContractOperation, ContractServer, SecurityScheme } from './asyncapi-types.js';
import { slug, sorted, unique, unlessEmpty } from './naming.js';
import { exceptionMessage } from './messages.js';
import { loadPeers } from './optional-peers.js';
import { Schemas } from './schemas.js';
import { SecuritySchemes } from './security.js';
import { serversOf } from './servers.js';

/** What a contract says that the application does not know of itself. */
export interface ContractOptions extends Pick<EnvelopeOptions, 'path' | 'port'> {
  /** Default: the name in the application's package.json. */
  title?: string;
  /** The version of the application's own events. Default: the version in the application's package.json. */
  version?: string;
  description?: string;
  /** AsyncAPI's Server Objects by name: `{ production: { host: 'example.com', protocol: 'wss' } }`. */
  servers?: Readonly<Record<string, ContractServer>>;
  /** AsyncAPI's or OpenAPI's Security Scheme Objects by name; they win over what guards declare. */
  securitySchemes?: Readonly<Record<string, SecurityScheme>>;
}

/**
 * Describes an application's gateways as an AsyncAPI 3.0.0 document: what clients may send, what comes back, and what
 * the server emits. It listens on no port; `NestFactory.create(AppModule, { preview: true })` is enough.
 *
 * Where gateways are is known from the application's `EnvelopeAdapter`, where it has one by then, else from
 * `EnvelopeModule`; the options `path` and `port` are for those who have neither.
 *
 * Without a title or a version they are those of the application's package.json: the nearest one above the script that was
 * started, else above the working directory.
 *
 * @throws TypeError where `app` is no application, or an option is unknown; Error where two DTO classes of one name differ, a security scheme is named and nowhere described, or a path is
 * known to options alone that preview does not make
 */
export async function createContract(
  app: INestApplicationContext,
  options: ContractOptions = {},
): Promise<Contract> {
  checkContractOptions('createContract', app, options);
  const schemas = new Schemas(app, await loadPeers());
  const security = new SecuritySchemes(options.securitySchemes);
  const gateways = exploreGateways(app);
  const settings = settingsOf(app, options, gateways);
  const drafts = draft(gateways, settings, schemas);
  // all of them first: who names a scheme need not be who describes it
  for (const { demands } of drafts) security.learn(demands);
  const operations = new Map<string, ContractOperation>();
  for (const one of drafts) one.addOperations(operations, security);
  const { servers, referTo } = serversOf(options.servers, drafts);
  const { title, version, description } = layer<ContractOptions>(options, applicationInfo());
  const contract: Contract = {
    asyncapi: '3.0.0',
    info: { title: title!, version: version!, ...(description !== undefined && { description }) },
    ...(servers && { servers }),
    defaultContentType: 'application/json',
    channels: sorted(drafts.map((one) => [one.key, one.toChannel(security, referTo(one.place))])),
    // in the order of paths, gateways' names and handlers: what comes first in a gateway is what its author shows first
    operations: Object.fromEntries(operations),
    components: {
      ...entry('schemas', schemas.components()),
      messages: { exception: exceptionMessage() },
      ...entry('securitySchemes', security.components()),
    },
  };
  // a plain object, whatever users' schemas have in them
  return JSON.parse(JSON.stringify(contract)) as Contract;
}

const NAMES: Readonly<Record<keyof ContractOptions, true>> = {
  title: true,
  version: true,
  description: true,
  servers: true,
  securitySchemes: true,
  path: true,
  port: true,
};

/** @throws TypeError that names the function, the parameter or option, and what it takes */
export function checkContractOptions(where: string, app: unknown, options: unknown): void {
  assertApplication(where, app);
  assertOptions(where, options, Object.keys(NAMES), "{ title: 'Chat', version: '1.0.0' }");
  for (const name of ['title', 'version', 'description', 'path']) {
    const value: unknown = Reflect.get(options as object, name);
    if (value !== undefined && typeof value !== 'string') refuseOption(where, name, value, 'a text');
  }
  for (const name of ['servers', 'securitySchemes']) {
    const value: unknown = Reflect.get(options as object, name);
    if (value !== undefined && !isRecordLike(value)) refuseOption(where, name, value, 'an object, by name');
  }
}

/** What places gateways, and opens connections: asked of who decides it. */
function settingsOf(
  app: INestApplicationContext,
  { path, port }: ContractOptions,
  gateways: readonly Gateway[],
): EnvelopeOptions {
  const ofModule = findProvider<EnvelopeOptions | null>(app, ENVELOPE_OPTIONS);
  const settings = layer({ path, port } as EnvelopeOptions, findAdapter(app)?._options ?? ofModule ?? {});
  const lost = gateways.find(({ options }) => options.path === undefined);
  // in preview Nest calls no factory
  if (ofModule === null && settings.path === undefined && lost !== undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_CONTRACT',
      new Error(
        `${lost.type.name} names no path, and the options of EnvelopeModule.forRootAsync, which may name one, are not ` +
          'made in preview: give it to the contract as path, "/" where it is the default',
      ),
    );
  return settings;
}

/** One channel for each path, in the order of the paths. */
function draft(gateways: readonly Gateway[], settings: EnvelopeOptions, schemas: Schemas): ChannelDraft[] {
  const byPlace = new Map<string, { place: MountPoint; gateways: Map<Gateway['type'], Gateway> }>();
  for (const gateway of gateways) {
    const place = gatewayMountPoint(gateway.port, gateway.options, settings);
    const shown = showMountPoint(place);
    if (!byPlace.has(shown)) byPlace.set(shown, { place, gateways: new Map() });
    // a class that two modules provide is one
    byPlace.get(shown)!.gateways.set(gateway.type, gateway);
  }
  const drafts = new Map<string, ChannelDraft>();
  for (const { place, gateways } of Object.values(sorted(byPlace))) {
    const { port, path, expression } = place;
    const shown = expression === undefined ? path : `${path}/name`;
    const key = unique(drafts, port === 0 ? slug(shown) : slug(`port-${port}${shown}`));
    const byName = [...gateways.values()].sort((a, b) => (a.type.name < b.type.name ? -1 : 1));
    drafts.set(key, new ChannelDraft(key, place, byName, settings, schemas));
  }
  return [...drafts.values()];
}

function entry<Name extends string, Value>(
  name: Name,
  record: Record<string, Value>,
): { [Key in Name]?: Record<string, Value> } {
  return (unlessEmpty(record) === undefined ? {} : { [name]: record }) as {
    [Key in Name]?: Record<string, Value>;
  };
}
