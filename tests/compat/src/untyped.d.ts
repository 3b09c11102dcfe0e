// Of packages that come without types, what is used here.

declare module '@rails/actioncable' {
  export const adapters: { WebSocket: typeof WebSocket }
  export function createConsumer(url: string): {
    readonly connection: { getState(): string | null }
    readonly subscriptions: { create(channel: string, callbacks: object): { send(data: object): boolean } }
    disconnect(): void
  }
}

declare module '@novnc/novnc' {
  export default class RFB {
    constructor(target: Element, channel: WebSocket)
    addEventListener(
      type: string,
      listener: (event: CustomEvent<{ name: string; text: string; clean: boolean }>) => void
    ): void
    clipboardPasteFrom(text: string): void
    disconnect(): void
  }
}

declare module 'phoenix' {
  interface Push {
    receive(status: string, callback: (response: unknown) => void): Push
  }
  interface Channel {
    join(): Push
    push(event: string, payload: object): Push
    onError(callback: (reason: unknown) => void): void
  }
  export class Socket {
    constructor(
      url: string,
      options: { transport: typeof WebSocket; reconnectAfterMs: () => number; rejoinAfterMs: () => number }
    )
    connect(): void
    disconnect(callback: () => void, code: number, reason: string): void
    onOpen(callback: () => void): void
    onError(callback: () => void): void
    onClose(callback: (event: CloseEvent) => void): void
    channel(topic: string, parameters: object): Channel
  }
}
