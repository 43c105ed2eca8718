import { IsIn, IsInt, IsOptional, IsPositive, IsString, Min } from 'class-validator';
import { defineEvents } from 'nestjs-envelope/contract';

/** The ids of the lots. The explorer fills its examples with the first. */
export const LOTS = ['clock', 'globe', 'lens'];

export class BidDto {
  @IsIn(LOTS) lot!: string;
  /** In whole coins. Must be higher than the current price. */
  @IsInt() @IsPositive() amount!: number;
}

export class WatchDto {
  @IsIn(LOTS) lot!: string;
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
