/** The channels and operations of an AsyncAPI 3 document. */
export class Contract {
  constructor(document) {
    this.document = document;
    const { title = 'WebSocket explorer', version, description } = document.info ?? {};
    Object.assign(this, { title, version, description });
    this.channels = Object.entries(document.channels ?? {}).map(([key, given]) => this.channel(key, given));
    for (const [key, given] of Object.entries(document.operations ?? {})) {
      const operation = this.operation(key, given);
      const channel = this.channels.find((one) => one.key === operation.channel);
      const list = operation.isEmitted ? channel?.emits : channel?.receives;
      operation.number = 1 + (list ?? []).filter(({ event }) => event === operation.event).length;
      list?.push(operation);
    }
  }

  /** Returns the value that a `$ref` points to, or the given value if it is not a reference. */
  resolve(given, depth = 0) {
    if (typeof given?.$ref !== 'string') return given;
    const names = pointer(given.$ref);
    const found = names.reduce(
      (value, name) => (Object.hasOwn(Object(value), name) ? value[name] : undefined),
      this.document,
    );
    return depth < 20 ? this.resolve(found, depth + 1) : undefined;
  }

  find({ channel, event, number, isEmitted }) {
    const found = this.channels.find(({ key }) => key === channel);
    const operations = isEmitted ? found?.emits : found?.receives;
    return {
      channel: found,
      operation: operations?.find((one) => one.event === event && one.number === number),
    };
  }

  channel(key, given) {
    const { address = `/${key}`, title, description } = given;
    const parameters = Object.entries(given.parameters ?? {}).map(([name, parameter]) => {
      const { description, enum: values, default: initial } = this.resolve(parameter) ?? {};
      return { name, description, values, initial };
    });
    for (const [, name] of address.matchAll(/\{([^}]+)\}/g))
      if (!parameters.some((parameter) => parameter.name === name)) parameters.push({ name });
    // a gateway with another port; all others have the origin of the page
    const own = given.servers?.find(({ $ref = '' }) => /^#\/servers\/port-\d+$/.test($ref));
    const server = this.resolve(own);
    return { key, address, title, description, parameters, server, receives: [], emits: [] };
  }

  operation(key, given) {
    const message = this.resolve(given.messages?.[0]) ?? {};
    const { properties = {} } = this.resolve(message.payload) ?? {};
    const { summary, description } = { ...message, ...given };
    const replies = (given.reply?.messages ?? []).map((one) => this.reply(this.resolve(one)));
    return {
      channel: pointer(given.channel?.$ref ?? '').at(-1),
      event: String(properties.event?.const ?? message.name ?? key.split('.').at(-1)),
      isEmitted: given.action === 'send',
      summary,
      description,
      isDeprecated: [given['x-deprecated'], given.deprecated].includes(true),
      handler: given['x-handler'],
      data: properties.data,
      replies: replies.filter((reply) => !reply.isException),
      exception: replies.find((reply) => reply.isException),
      security: (given.security ?? []).map((one) => this.scheme(one)),
    };
  }

  reply(message) {
    const { properties = {} } = this.resolve(message?.payload) ?? {};
    const name = String(properties.event?.const ?? message?.name ?? '');
    return {
      name,
      description: message?.description ?? message?.summary,
      isException: name === 'exception',
      isStream: properties.more !== undefined,
      data: properties.data,
    };
  }

  scheme(given) {
    const { type, scheme, bearerFormat, in: place, description } = this.resolve(given) ?? {};
    const what = [type, scheme, bearerFormat, place && `in ${place}`].filter(Boolean).join(', ');
    return {
      name: typeof given?.$ref === 'string' ? pointer(given.$ref).at(-1) : (type ?? '?'),
      what,
      description,
    };
  }
}

/** Returns the names in a JSON Pointer within the document (RFC 6901, section 6). */
export function pointer(reference) {
  return reference
    .replace(/^#?\/?/, '')
    .split('/')
    .map((name) => unescape(name).replaceAll('~1', '/').replaceAll('~0', '~'));
}

function unescape(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
