import { Socket } from 'socket.io'
const x = (
