import { LOBBY, MAX_NAME } from '../chat.js';
import { BoundedText } from './bounded-text.decorator.js';

export class TypingDto {
  @BoundedText(MAX_NAME) author!: string;
  @BoundedText(MAX_NAME) room = LOBBY;
}
