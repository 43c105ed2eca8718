import { WebSocketGateway } from "@nestjs/websockets";
import { EnvelopeSocket } from "nestjs-envelope";

export { EnvelopeSocket as Socket };
export { EnvelopeServer as Server, EnvelopeSocket as Client } from "nestjs-envelope";

@WebSocketGateway()
export class LiveGateway {
	readonly classes = { Socket: EnvelopeSocket };
	handleConnection(client: EnvelopeSocket) {
		client.emit("hello", client instanceof EnvelopeSocket);
	}
}

@WebSocketGateway({ namespace: "b" })
export class OtherGateway {}
