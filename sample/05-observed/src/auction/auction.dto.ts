import { IsInt, IsOptional, IsPositive, IsString, MaxLength, Min } from 'class-validator';
import { defineEvents } from 'nestjs-envelope/contract';

export class BidDto {
  @IsString() @MaxLength(20) lot!: string;
  /** In whole coins. Must be higher than the current price. */
  @IsInt() @IsPositive() amount!: number;
}

export class WatchDto {
  @IsString() @MaxLength(20) lot!: string;
}

export class LotDto {
  @IsString() id!: string;
  @IsString() title!: string;
  @IsInt() @Min(0) price!: number;
  /** The user who bid the current price. */
  @IsOptional() @IsString() bidder?: string;
}

export class NewsDto {
  @IsString() text!: string;
}

/** The events that the auction emits. The gateway's types and the contract are derived from them. */
export const events = defineEvents({ price: LotDto, news: NewsDto });
