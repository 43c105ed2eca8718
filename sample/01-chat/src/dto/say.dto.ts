import { MAX_NAME, MAX_TEXT } from '../chat.js';
import { BoundedText } from './bounded-text.decorator.js';

export class SayDto {
  @BoundedText(MAX_NAME) author!: string;
  @BoundedText(MAX_TEXT) text!: string;
}
