import { IsString, Length, Matches } from 'class-validator';

export class JoinDto {
  @IsString() @Length(1, 40) @Matches(/\S/, { message: '$property must not be blank' }) name!: string;
}
