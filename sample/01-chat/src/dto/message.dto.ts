import { LOBBY, MAX_NAME } from '../chat.js';
import { SayDto } from './say.dto.js';
import { BoundedText } from './bounded-text.decorator.js';

export class MessageDto extends SayDto {
  @BoundedText(MAX_NAME) room = LOBBY;
}
