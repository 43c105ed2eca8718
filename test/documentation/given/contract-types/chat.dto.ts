export class NameDto {
  name!: string;
}
export class SayDto {
  text!: string;
}
export class SaidDto {
  text!: string;
  at!: number;
}
