import { ApiProperty } from '@nestjs/swagger';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Transform, Type } from 'class-transformer';
import {
  Allow,
  Equals,
  IsArray,
  IsBase64,
  IsInstance,
  IsInt,
  IsNotIn,
  IsOptional,
  Length,
  Min,
  ValidateNested,
} from 'class-validator';
import {
  contractToTypes,
  createContract,
  Emits,
  schema,
  type ContractMessage,
  type JsonSchema,
  type SchemaClass,
} from '../../lib/contract/index.js';
import { startApp } from '../support/app.js';
import { AuthorDto, PlaceDto, SaidDto, SayDto, UndescribedDto } from './rich-app.js';

const OPTIONS = { title: 'DTOs', version: '1.0.0' };
const place = { $ref: '#/components/schemas/PlaceDto' };
const author = { $ref: '#/components/schemas/AuthorDto' };

async function schemasOf(...types: SchemaClass[]): Promise<Record<string, JsonSchema>> {
  @Emits(Object.fromEntries(types.map((type) => [type.name, type])))
  @WebSocketGateway()
  class Gateway {}

  const app = await startApp({ providers: [Gateway] });
  const { components } = await createContract(app.nest, OPTIONS);
  return components.schemas!;
}

describe('the schema of a DTO', () => {
  it('comes from class-validator and class-transformer', async () => {
    const { SayDto: schema, ...others } = await schemasOf(SayDto);
    expect(schema).toEqual({
      type: 'object',
      properties: {
        text: { type: 'string', minLength: 1, maxLength: 200 },
        thread: { type: 'string', format: 'uuid' },
        colour: { enum: ['red', 'blue'] },
        level: { enum: [1, 2, 3] },
        tags: {
          type: 'array',
          maxItems: 5,
          uniqueItems: true,
          items: { type: 'string', minLength: 1, maxLength: 20 },
        },
        places: { type: 'array', items: place },
        place,
        answers: { $ref: '#/components/schemas/SayDto' },
        mail: { type: 'string', format: 'email' },
        link: { type: 'string', examples: ['https://example.com/'] },
        on: { type: 'string', examples: ['2026-01-31T12:00:00.000Z'] },
        until: { type: 'string', examples: ['2026-01-31T12:00:00.000Z'] },
        code: { type: 'string', pattern: '^\\d{3}-[a-z/]+$' },
        loose: { type: 'string' },
        dotted: { type: 'string', pattern: 'a\\.b' },
        loud: { type: 'boolean' },
        both: { type: 'string' },
        extra: { type: 'number' },
      },
      required: 'text colour level tags places place mail link on until code loose dotted both'.split(' '),
    });
    expect(others).toEqual({
      PlaceDto: {
        type: 'object',
        properties: {
          latitude: { type: 'integer', minimum: -90, maximum: 90 },
          longitude: { type: 'integer' },
        },
        required: ['latitude', 'longitude'],
      },
    });
  });

  it('comes from @nestjs/swagger, converted from OpenAPI to JSON Schema', async () => {
    expect(await schemasOf(AuthorDto)).toEqual({
      AuthorDto: {
        type: 'object',
        properties: {
          name: { type: 'string', description: 'As shown', examples: ['ada'] },
          age: { type: ['number', 'null'], exclusiveMinimum: 0 },
          colour: { $ref: '#/components/schemas/Colour' },
        },
        required: ['name', 'colour'],
      },
      Colour: { type: 'string', enum: ['red', 'blue'] },
    });
  });

  it('comes from both: swagger has priority, and validators add the rest', async () => {
    const { Said } = await schemasOf(SaidDto);
    expect(Said).toEqual({
      type: 'object',
      properties: {
        at: { type: 'string', format: 'date-time' },
        authors: { type: 'array', items: author },
        to: { description: 'Who it is for', anyOf: [author, { type: 'null' }] },
        text: { type: 'string', minLength: 3, maxLength: 100 },
        count: { type: 'integer', minimum: 1 },
        edited: { type: 'boolean' },
      },
      required: ['at', 'authors', 'to', 'text', 'count'],
    });
  });

  it('is complete for a nested class, regardless of the order of classes', async () => {
    class Inner {
      @ApiProperty() @Length(2, 3) name!: string;
    }
    class Outer {
      @ApiProperty({ type: [Inner] }) inner!: Inner[];
    }
    const full = { type: 'object', properties: { name: { type: 'string', minLength: 2, maxLength: 3 } } };
    for (const types of [
      [Outer, Inner],
      [Inner, Outer],
    ])
      expect(await schemasOf(...types)).toMatchObject({ Inner: full });
  });

  it('includes the properties of base classes', async () => {
    class Base {
      @IsInt() id!: number;
    }
    class Derived extends Base {
      @IsOptional() @IsInt() @Min(0) count?: number;
    }
    expect(await schemasOf(Derived)).toEqual({
      Derived: {
        type: 'object',
        properties: { count: { type: 'integer', minimum: 0 }, id: { type: 'integer' } },
        required: ['id'],
      },
    });
  });

  it('describes arrays by @Type, and omits their items if the class cannot be instantiated', async () => {
    class RequiresArguments {
      constructor() {
        throw new Error('arguments are missing');
      }
      @IsArray() @Type(() => Number) numbers!: number[];
    }
    class WithArrays {
      @IsArray() @Type(() => Number) numbers!: number[];
      @IsArray() @Type(() => Date) dates!: Date[];
      @IsArray() anything!: unknown[];
      @ValidateNested({ each: true }) @Type(() => PlaceDto) @Transform(() => null) nulls!: PlaceDto[];
      @Equals('x') constant!: string;
      @IsNotIn(['a']) notA!: string;
    }
    const { WithArrays: withArrays, RequiresArguments: requiresArguments } = await schemasOf(
      WithArrays,
      RequiresArguments,
    );
    expect(requiresArguments!['properties']).toEqual({ numbers: { type: 'array' } });
    expect(withArrays!['properties']).toEqual({
      numbers: { type: 'array', items: { type: 'number' } },
      dates: { type: 'array', items: { type: 'string', format: 'date-time' } },
      anything: { type: 'array' },
      nulls: { type: 'array' },
      constant: { const: 'x' },
      notA: { type: 'string', not: { enum: ['a'] } },
    });
  });

  it('is any object if nothing is known about the class', async () => {
    expect(await schemasOf(UndescribedDto)).toEqual({ UndescribedDto: { type: 'object' } });
  });
});

describe('bytes', () => {
  const bytes = { type: 'string', format: 'binary', contentEncoding: 'base64' };

  class FileDto {
    @Allow() whole!: Buffer;
    @IsInstance(Uint8Array) part!: Uint8Array;
    @IsOptional() @IsInstance(Buffer) sum?: Buffer;
    @IsArray() @IsInstance(Uint8Array, { each: true }) parts!: Uint8Array[];
    @ApiProperty() described!: Buffer;
    @ApiProperty({ type: 'string', format: 'binary' }) written!: Uint8Array;
    /** Not bytes: text that the application encodes. */
    @IsBase64() text!: string;
  }

  it('are binary text in the schema of a DTO', async () => {
    const { FileDto: schema } = await schemasOf(FileDto);
    expect(schema).toEqual({
      type: 'object',
      properties: {
        described: bytes,
        written: { type: 'string', format: 'binary' },
        whole: bytes,
        part: bytes,
        sum: bytes,
        parts: { type: 'array', items: bytes },
        text: { type: 'string', contentEncoding: 'base64' },
      },
      required: ['described', 'written', 'part', 'parts', 'text'],
    });
  });

  it('may be a whole payload, of a parameter, of a return type and of @Emits', async () => {
    @Emits({ file: Buffer, parts: [Uint8Array] })
    @WebSocketGateway()
    class Gateway {
      @SubscribeMessage('echo')
      echo(@MessageBody() data: Buffer): Uint8Array {
        return data;
      }
    }
    const app = await startApp({ providers: [Gateway] });
    const { channels } = await createContract(app.nest, OPTIONS);
    const payloads = Object.values(channels).flatMap(({ messages }) => Object.values(messages));
    const data = (payloads as ContractMessage[]).map(({ name, payload }) => [
      name,
      (payload?.['properties'] as Record<string, unknown> | undefined)?.['data'],
    ]);
    expect(data.filter(([, schema]) => schema !== undefined)).toEqual([
      ['echo', bytes],
      ['echo', bytes],
      ['file', bytes],
      ['parts', { type: 'array', items: bytes }],
    ]);
  });

  it('are Uint8Array in the types of clients', async () => {
    const file = schema<object>({
      type: 'object',
      required: ['bytes', 'maybe', 'text'],
      properties: {
        bytes,
        maybe: { type: ['string', 'null'], format: 'binary' },
        text: { type: 'string', contentEncoding: 'base64' },
      },
    });

    @Emits({ file, raw: Buffer })
    @WebSocketGateway()
    class Gateway {}
    const app = await startApp({ providers: [Gateway] });
    const types = await contractToTypes(await createContract(app.nest, OPTIONS));
    expect(types).toContain('bytes: Uint8Array;');
    expect(types).toContain('maybe: Uint8Array | null;');
    expect(types).toContain('text: string;');
    expect(types).toMatch(/raw: \(data: Uint8Array\) => void/);
  });
});
