import { IsString, Length, Matches } from 'class-validator';

export class MessageDto {
  @IsString() @Length(1, 2_000) @Matches(/\S/, { message: '$property must not be blank' }) text!: string;
}
