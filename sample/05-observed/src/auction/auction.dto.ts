import { IsInt, IsOptional, IsPositive, IsString, MaxLength, Min } from 'class-validator';
import { defineEvents } from 'nestjs-envelope/contract';

export class BidDto {
  @IsString() @MaxLength(20) lot!: string;
  /** In whole coins, and more than the last one. */
  @IsInt() @IsPositive() amount!: number;
}

export class WatchDto {
  @IsString() @MaxLength(20) lot!: string;
}

export class LotDto {
  @IsString() id!: string;
  @IsString() title!: string;
  @IsInt() @Min(0) price!: number;
  /** Who bid that. */
  @IsOptional() @IsString() bidder?: string;
}

export class NewsDto {
  @IsString() text!: string;
}

/** What the auction tells by itself: the gateway's types and the contract come from here. */
export const events = defineEvents({ price: LotDto, news: NewsDto });
