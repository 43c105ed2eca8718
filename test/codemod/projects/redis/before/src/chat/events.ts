export interface ChatEvents {
  said: (message: { from: string; text: string }) => void;
}
