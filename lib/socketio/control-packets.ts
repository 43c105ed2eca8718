import { Decoder, PacketType, type Packet } from 'socket.io-parser';

/** Reads a packet without arguments or with an object: CONNECT, DISCONNECT. @returns `undefined` if it is malformed */
export function readControlPacket(text: string): Packet | undefined {
  const decoder = new Decoder();
  let packet: Packet | undefined;
  decoder.on('decoded', (decoded: Packet) => (packet = decoded));
  try {
    decoder.add(text);
  } catch {
    return undefined;
  }
  return packet?.type === PacketType.CONNECT || packet?.type === PacketType.DISCONNECT ? packet : undefined;
}
