import type { ts } from 'ts-morph';
import type { FileMigration } from './file-migration.js';
import { CORS_STRING, corsOf, fateOf } from './option-table.js';

/** What `createIOServer` of a class does, as the constructor of `EnvelopeAdapter` takes it. */
export interface ServerFactory {
  /** Properties of the options: `cors: { origin: 'https://app.example' }`. */
  readonly properties: readonly string[];
  /** Properties of `socketIO()`, by their name. */
  readonly transport: ReadonlyMap<string, string>;
  /** Statements that the properties need. */
  readonly locals: readonly string[];
}

const UNCHANGED = 'The class is unchanged';

/** Reads `createIOServer`, statement by statement. It reports each that has no counterpart in the options. */
export class ServerFactoryReader {
  private readonly properties = new Map<string, string>();
  private readonly transport = new Map<string, string>();
  private readonly locals: string[] = [];
  /** Names of the options that Nest passes, and of objects that extend them. */
  private readonly optionNames = new Set<string>();
  private serverName: string | undefined;
  private portName: string | undefined;
  private readonly ts: FileMigration['source']['ts'];

  constructor(
    private readonly file: FileMigration,
    private readonly constructorNode: ts.ConstructorDeclaration | undefined,
  ) {
    this.ts = file.source.ts;
  }

  read(method: ts.MethodDeclaration | undefined): ServerFactory {
    const [port, options] = method?.parameters ?? [];
    this.portName = port && this.text(port.name);
    if (options !== undefined) this.optionNames.add(this.text(options.name));
    for (const statement of method?.body?.statements ?? []) this.readStatement(statement);
    const { transport, locals } = this;
    return { properties: [...this.properties.values()], transport, locals };
  }

  /** Reports a constructor that does not pass the application to `super()`. */
  checkConstructor(): void {
    if (this.constructorNode === undefined) return;
    if (superCall(this.file, this.constructorNode)?.arguments.length === 1) return;
    this.leave(
      this.constructorNode,
      'the constructor does not call super(app): EnvelopeAdapter needs the application',
    );
  }

  private readStatement(statement: ts.Statement): void {
    const { ts } = this;
    if (ts.isVariableStatement(statement)) return this.readVariables(statement);
    if (ts.isReturnStatement(statement)) return this.readReturn(statement);
    if (ts.isExpressionStatement(statement)) return this.readExpression(statement);
    if (ts.isIfStatement(statement)) return this.readCondition(statement);
    this.leaveStatement(statement);
  }

  /** `if (this.factory) server.adapter(this.factory);` */
  private readCondition(statement: ts.IfStatement): void {
    const { thenStatement: then, elseStatement } = statement;
    const isBlock = this.ts.isBlock(then);
    const [only, second] = isBlock ? then.statements : [then];
    const factory = only && this.adapterIn(only);
    if (factory === undefined) return this.leaveStatement(statement);
    const value = this.unwrap(factory);
    const isPlain = elseStatement === undefined && second === undefined && this.isOwnMember(value);
    if (isPlain && this.text(this.unwrap(statement.expression)) === this.text(value))
      this.properties.set('adapter', `adapter: (nsp) => ${this.text(value)}?.(nsp)`);
    else
      this.leave(
        statement,
        'it sets the adapter on a condition: pass the option adapter to super(app, { … }), a function that returns ' +
          'undefined for rooms in memory',
      );
  }

  private readVariables(statement: ts.VariableStatement): void {
    const [declaration, second] = statement.declarationList.declarations;
    const { name, initializer } = declaration!;
    if (initializer === undefined || second !== undefined) return this.leaveStatement(statement);
    const value = this.unwrap(initializer);
    const call = this.serverCall(value);
    if (call !== undefined) {
      this.serverName = this.text(name);
      return this.readServer(call);
    }
    if (this.ts.isObjectLiteralExpression(value) && this.extendsOptions(value)) {
      this.optionNames.add(this.text(name));
      return this.readOptions(value);
    }
    if (this.isMovable(statement)) this.locals.push(this.translate(statement));
  }

  private readReturn(statement: ts.ReturnStatement): void {
    const value = statement.expression && this.unwrap(statement.expression);
    const call = value && this.serverCall(value);
    if (call !== undefined) return this.readServer(call);
    if (value === undefined || this.text(value) !== this.serverName) this.leaveStatement(statement);
  }

  private readExpression(statement: ts.ExpressionStatement): void {
    const { ts } = this;
    const { expression } = statement;
    const factory = this.adapterIn(statement);
    if (factory !== undefined) return this.readAdapter(factory);
    if (!ts.isBinaryExpression(expression) || expression.operatorToken.kind !== ts.SyntaxKind.EqualsToken)
      return this.leaveStatement(statement);
    const value = this.unwrap(expression.right);
    const { left } = expression;
    if (ts.isIdentifier(left) && this.optionNames.has(left.text) && ts.isObjectLiteralExpression(value))
      return this.readOptions(value);
    const isOption =
      ts.isPropertyAccessExpression(left) &&
      ts.isIdentifier(left.expression) &&
      this.optionNames.has(left.expression.text);
    if (!isOption) return this.leaveStatement(statement);
    const { text: name } = left.name;
    this.addOption(value, name, this.text(value), () => `${name}: ${this.translate(value)}`);
  }

  /** `super.createIOServer(port, options)` */
  private readServer({ arguments: [port, options] }: ts.CallExpression): void {
    if (port !== undefined && this.text(port) !== this.portName)
      this.leave(port, 'it listens on another port: set the option port, or name the port in the gateways');
    if (options === undefined) return;
    const value = this.unwrap(options);
    if (this.ts.isObjectLiteralExpression(value)) return this.readOptions(value);
    if (!this.optionNames.has(this.text(value)))
      this.leave(options, `${this.text(options)}: its options are not written here`);
  }

  private readOptions({ properties }: ts.ObjectLiteralExpression): void {
    const { ts } = this;
    for (const property of properties) {
      if (ts.isSpreadAssignment(property)) {
        if (!this.optionNames.has(this.text(property.expression)))
          this.leave(property, `${this.text(property)}: these options are not written here`);
        continue;
      }
      const name = this.text(property.name);
      const value = ts.isPropertyAssignment(property) ? this.text(property.initializer) : name;
      this.addOption(property, name, value, () => this.translate(property));
    }
  }

  private addOption(node: ts.Node, name: string, value: string, translate: () => string): void {
    const fate = fateOf(name, value);
    if (typeof fate === 'object') return this.leave(node, `${name}: ${fate.missing}`, 'options');
    if (fate === 'drop' || !this.isMovable(node)) return;
    if (name === 'cors' && CORS_STRING.test(value)) return void this.properties.set(name, corsOf(value));
    (fate === 'transport' ? this.transport : this.properties).set(name, translate());
  }

  /** The factory may be made after the constructor has run: a member of the class is read when it is needed. */
  private readAdapter(factory: ts.Expression): void {
    const value = this.unwrap(factory);
    if (this.isOwnMember(value)) {
      const call = `${this.text(value)}${this.mayBeMissing(value.name.text) ? '!' : ''}(nsp)`;
      this.properties.set('adapter', `adapter: (nsp) => ${call}`);
    } else if (this.isMovable(value)) this.properties.set('adapter', `adapter: ${this.translate(value)}`);
  }

  /** `this.name`, unless it is a parameter of the constructor. */
  private isOwnMember(value: ts.Expression): value is ts.PropertyAccessExpression {
    const { ts } = this;
    const isMember =
      ts.isPropertyAccessExpression(value) && value.expression.kind === ts.SyntaxKind.ThisKeyword;
    return isMember && this.parameterProperty(value.name.text) === undefined;
  }

  private mayBeMissing(name: string): boolean {
    const { ts } = this;
    const members = this.file.source
      .find(ts.isPropertyDeclaration)
      .filter((one) => this.text(one.name) === name);
    return members.some(
      ({ questionToken, type }) =>
        questionToken !== undefined || /\b(undefined|null)\b/.test(type ? this.text(type) : ''),
    );
  }

  /** Whether code can run in the constructor, before `super()`. Reports what keeps it from that. */
  private isMovable(node: ts.Node): boolean {
    const { ts } = this;
    const names = new Set([...this.optionNames, this.portName, this.serverName]);
    const found = this.file.source.find((inner) => {
      // its lines would get another margin
      if (ts.isTemplateLiteral(inner) && this.text(inner).includes('\n')) return true;
      if (inner.kind === ts.SyntaxKind.ThisKeyword)
        return !this.isLater(inner, node) && this.ownParameter(inner) === undefined;
      return ts.isIdentifier(inner) && names.has(inner.text) && !isMemberName(ts, inner);
    }, node)[0];
    if (found === undefined) return true;
    if (ts.isTemplateLiteral(found))
      this.leave(found, 'a text of several lines: move it out of createIOServer');
    else
      this.leave(
        found,
        `${this.text(found.parent)}: the constructor cannot know it before it calls super(app, { … })`,
      );
    return false;
  }

  /** Returns code with `this.name` as `name`, where `name` is a parameter of the constructor, and without its margin. */
  private translate(node: ts.Node): string {
    const { source } = this.file;
    const start = node.getStart(source.tree);
    let text = '';
    let position = start;
    for (const self of source.find(({ kind }) => kind === this.ts.SyntaxKind.ThisKeyword, node)) {
      if (this.isLater(self, node) || this.ownParameter(self) === undefined) continue;
      const access = self.parent as ts.PropertyAccessExpression;
      text += source.text.slice(position, self.getStart(source.tree));
      position = access.name.getStart(source.tree);
    }
    text += source.text.slice(position, node.end);
    // without its margin: the place that it goes to has another
    return text.replaceAll(`\n${source.indentationAt(start)}`, '\n');
  }

  /** Whether a node is inside of a function that runs later. */
  private isLater(node: ts.Node, within: ts.Node): boolean {
    for (let at = node; at !== within; at = at.parent) if (this.ts.isFunctionLike(at)) return true;
    return this.ts.isFunctionLike(within);
  }

  private ownParameter(self: ts.Node): string | undefined {
    const { parent } = self;
    return this.ts.isPropertyAccessExpression(parent) ? this.parameterProperty(parent.name.text) : undefined;
  }

  private parameterProperty(name: string): string | undefined {
    return this.constructorNode?.parameters
      .filter((parameter) => this.ts.isParameterPropertyDeclaration(parameter, parameter.parent))
      .map((parameter) => this.text(parameter.name))
      .find((parameter) => parameter === name);
  }

  private extendsOptions({ properties }: ts.ObjectLiteralExpression): boolean {
    return properties.some(
      (property) =>
        this.ts.isSpreadAssignment(property) && this.optionNames.has(this.text(property.expression)),
    );
  }

  /** Returns the factory of `server.adapter(factory)`. */
  private adapterIn(statement: ts.Statement): ts.Expression | undefined {
    const { ts } = this;
    if (!ts.isExpressionStatement(statement) || !ts.isCallExpression(statement.expression)) return undefined;
    const { expression, arguments: all } = statement.expression;
    return this.text(expression) === `${this.serverName}.adapter` ? all[0] : undefined;
  }

  private serverCall(value: ts.Expression): ts.CallExpression | undefined {
    const { ts } = this;
    return ts.isCallExpression(value) && this.text(value.expression) === 'super.createIOServer'
      ? value
      : undefined;
  }

  private unwrap(value: ts.Expression): ts.Expression {
    const { ts } = this;
    while (
      ts.isAsExpression(value) ||
      ts.isParenthesizedExpression(value) ||
      ts.isNonNullExpression(value) ||
      ts.isSatisfiesExpression(value)
    )
      value = value.expression;
    return value;
  }

  private leaveStatement(statement: ts.Statement): void {
    const { ts } = this;
    const call =
      ts.isExpressionStatement(statement) &&
      ts.isCallExpression(statement.expression) &&
      statement.expression;
    if (call === false)
      return this.leave(
        statement,
        `${this.text(statement).split(/[\r\n]/)[0]}: the options of EnvelopeAdapter have nothing for it`,
      );
    const callee = this.text(call.expression);
    const text = `${callee.replace(/\(.*\)/s, '(…)')}(…)`;
    const server = this.serverName ?? 'server';
    if (callee === 'instrument')
      return this.leave(statement, `${text}: @socket.io/admin-ui does not work here`, 'before');
    const advice = callee.startsWith(`${server}.of(`)
      ? 'move it to afterInit(server) of the gateway of that namespace'
      : callee.startsWith(`${server}.`)
        ? 'move it to afterInit(server) of the gateway on /'
        : 'move it to where the adapter is created';
    this.leave(statement, `${text}: ${advice}`, 'gateways');
  }

  private leave(
    node: ts.Node,
    reason: string,
    section: 'main' | 'gateways' | 'options' | 'before' = 'main',
  ): void {
    this.file.leave(node, section, `${reason}. ${UNCHANGED}`);
  }

  private text(node: ts.Node): string {
    return this.file.source.textOf(node);
  }
}

/** Returns the call of `super` that is a statement of the constructor. */
export function superCall(
  file: FileMigration,
  { body }: ts.ConstructorDeclaration,
): ts.CallExpression | undefined {
  const { ts } = file.source;
  return body?.statements
    .filter(ts.isExpressionStatement)
    .map(({ expression }) => expression)
    .filter(ts.isCallExpression)
    .find(({ expression }) => expression.kind === ts.SyntaxKind.SuperKeyword);
}

/** Whether an identifier names a member or a property: `x.port`, `{ port: 1 }`. */
function isMemberName(ts: FileMigration['source']['ts'], node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node)
  );
}
