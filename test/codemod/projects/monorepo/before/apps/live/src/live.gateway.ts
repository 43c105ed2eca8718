import { WebSocketGateway } from "@nestjs/websockets";
import { Socket } from "socket.io";

export { Socket };
export { Server, Socket as Client } from "socket.io";

@WebSocketGateway({ path: "/a" })
export class LiveGateway {
	readonly classes = { Socket };
	handleConnection(client: Socket) {
		client.emit("hello", client instanceof Socket);
	}
}

@WebSocketGateway({ path: "/b", namespace: "b" })
export class OtherGateway {}
