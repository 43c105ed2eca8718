import { Injectable, Module, UseGuards, type CanActivate } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiSchema,
  ApiSecurity,
} from '@nestjs/swagger';
import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Type } from 'class-transformer';
import {
  Allow,
  ArrayMaxSize,
  ArrayUnique,
  Contains,
  IsArray,
  IsBoolean,
  IsDateString,
  IsDefined,
  IsEmail,
  IsEnum,
  IsIn,
  IsInt,
  IsISO8601,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUrl,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { interval, map, take, type Observable } from 'rxjs';
import type { EnvelopeSocket } from '../../lib/index.js';
import {
  defineEvents,
  Describe,
  Emits,
  Receives,
  Replies,
  schema,
  Security,
} from '../../lib/contract/index.js';

export enum Colour {
  Red = 'red',
  Blue = 'blue',
}

export class PlaceDto {
  @IsInt() @Min(-90) @Max(90) latitude!: number;
  @IsInt() longitude!: number;
}

/** Described by class-validator only. */
export class SayDto {
  @IsString() @IsNotEmpty() @MaxLength(200) text!: string;
  @IsOptional() @IsUUID() thread?: string;
  @IsEnum(Colour) colour!: Colour;
  @IsIn([1, 2, 3]) level!: number;
  @IsArray() @ArrayMaxSize(5) @ArrayUnique() @Length(1, 20, { each: true }) tags!: string[];
  @ValidateNested({ each: true }) @Type(() => PlaceDto) places!: PlaceDto[];
  @ValidateNested() place!: PlaceDto;
  @IsOptional() @ValidateNested() @Type(() => SayDto) answers?: SayDto;
  @IsEmail() mail!: string;
  @IsUrl() link!: string;
  @IsISO8601() on!: string;
  @IsDateString() until!: string;
  @Matches(/^\d{3}-[a-z/]+$/) code!: string;
  @Matches(/^b/i) loose!: string;
  @Contains('a.b') dotted!: string;
  @ValidateIf((dto: SayDto) => dto.text === 'x') @IsBoolean() loud!: boolean;
  @IsOptional() @IsDefined() both!: string;
  @Allow() extra!: number;
}

/** Described by @nestjs/swagger only. */
export class AuthorDto {
  @ApiProperty({ description: 'As shown', example: 'ada' }) name!: string;
  @ApiPropertyOptional({ nullable: true, minimum: 0, exclusiveMinimum: true }) age?: number;
  @ApiProperty({ enum: Colour, enumName: 'Colour' }) colour!: Colour;
}

@ApiSchema({ name: 'Said' })
export class SaidDto {
  @ApiProperty() at!: Date;
  @ApiProperty({ type: [AuthorDto] }) authors!: AuthorDto[];
  @ApiProperty({ nullable: true, type: () => AuthorDto, description: 'Who it is for' }) to!: AuthorDto | null;
  /** Described by both: swagger has priority, and the validators add the rest. */
  @ApiProperty({ maxLength: 100 }) @MaxLength(300) @Length(3, 300) text!: string;
  @ApiProperty() @IsInt() @Min(1) count!: number;
  @IsOptional() @IsBoolean() edited?: boolean;
}

export class UndescribedDto {
  secret!: string;
}

/** Named by the class of the guard, as users of JwtModule do. */
@Security('bearer', { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
@Injectable()
export class JwtGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Security('api-key', { type: 'apiKey', in: 'header', name: 'X-Api-Key' })
export class KeyGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

export const events = defineEvents({
  said: SaidDto,
  count: Number,
  places: [PlaceDto],
  moved: schema<{ x: number }>({
    type: 'object',
    required: ['x'],
    properties: { x: { type: 'number' } },
  }),
  bye: null,
});

@Describe({ description: 'Where people talk.' })
@Emits(events)
@Emits('joined', String, { description: 'A client joined' })
@UseGuards(JwtGuard)
@WebSocketGateway({ path: '/ws', namespace: 'chat' })
export class ChatGateway {
  @ApiOperation({ summary: 'Says something', description: 'To all of them', deprecated: true })
  @Replies(SaidDto, { description: 'As it was sent on' })
  @SubscribeMessage('say')
  say(@ConnectedSocket() _client: EnvelopeSocket, @MessageBody() say: SayDto) {
    return { at: new Date(0), authors: [], to: null, text: say.text, count: 1 };
  }

  @UseGuards(new KeyGuard())
  @Emits('typing', { type: 'boolean' })
  @SubscribeMessage('presence')
  presence(): number {
    return 3;
  }

  @Replies(Number, { stream: true })
  @SubscribeMessage('ticks')
  ticks(): Observable<number> {
    return interval(1).pipe(take(3));
  }

  @SubscribeMessage('move')
  move(@MessageBody('x') x: number, @MessageBody('to') to: PlaceDto, @Ack() _ack: () => void) {
    return [x, to];
  }

  @Replies({ type: 'string' }, { event: 'pong' })
  @SubscribeMessage('ping')
  ping(@MessageBody() payload: unknown) {
    return { event: 'pong', data: String(payload) };
  }
}

@ApiSecurity('api-key')
@WebSocketGateway({ path: '/ws/chat' })
export class ModerationGateway {
  @Emits('said', SaidDto)
  @Replies(null)
  @SubscribeMessage('ban')
  ban(_client: EnvelopeSocket, name: string): void {
    void name;
  }

  /** Has the same event as ChatGateway. */
  @SubscribeMessage('presence')
  presence(@MessageBody() undescribed: UndescribedDto): Promise<unknown> {
    return Promise.resolve(undescribed);
  }
}

@WebSocketGateway({ path: '/rooms/:room' })
export class RoomGateway {
  @Receives([PlaceDto])
  @Replies([PlaceDto])
  @SubscribeMessage('draw')
  draw(@MessageBody() places: PlaceDto[]) {
    return places;
  }

  @SubscribeMessage('author')
  author(): AuthorDto {
    return { name: 'ada', colour: Colour.Red };
  }
}

@WebSocketGateway({ path: '/games', namespace: /^\/game-\d+$/ })
export class GameGateway {
  @ApiBearerAuth()
  @SubscribeMessage('play')
  play(@MessageBody() card: string): string {
    return card;
  }
}

/** Has events with special characters of JSON Pointers, URLs and JavaScript. */
@Emits('a/b', String)
@WebSocketGateway()
export class SpecialNamesGateway {
  @SubscribeMessage('a/b') slash(): void {}
  @SubscribeMessage('say hi') space(): void {}
  @SubscribeMessage('ref$') reference(): void {}
  @SubscribeMessage('a~b') tilde(): void {}
  @SubscribeMessage('%41') percent(): void {}
  @SubscribeMessage('_41') underscore(): void {}
  @SubscribeMessage('#/x?y') fragment(): void {}
  @SubscribeMessage('__proto__') prototype(): void {}
  @SubscribeMessage('constructor') constructors(): void {}
  @SubscribeMessage('x-ray') extension(): void {}
  @SubscribeMessage('größe €') letters(): void {}
  @SubscribeMessage('7') digits(): void {}
}

@WebSocketGateway(3006, { path: '/admin' })
export class AdminGateway {
  @SubscribeMessage('look')
  look(@MessageBody() at: Date, ..._rest: unknown[]) {
    return interval(1).pipe(map(() => at));
  }
}

export const GATEWAYS = [ChatGateway, ModerationGateway, RoomGateway, GameGateway, SpecialNamesGateway];

@Module({ providers: [...GATEWAYS, AdminGateway, JwtGuard, KeyGuard] })
export class RichModule {}
