import { IsString, Length } from 'class-validator';

export class UserDto {
  @IsString() @Length(1, 40) user!: string;
}

export class LoginDto extends UserDto {
  @IsString() @Length(1, 200) password!: string;
}
