import { AbstractChat, type ChatInit, type UIMessage } from "ai";

/** What `useChat` is in React: the SDK's chat over a plain array. */
export class ArrayChat extends AbstractChat<UIMessage> {
  constructor({ messages = [], ...init }: ChatInit<UIMessage>, onChange: (messages: UIMessage[]) => void = () => {}) {
    super({
      ...init,
      state: {
        status: "ready",
        error: undefined,
        messages,
        pushMessage(message) {
          this.messages = [...this.messages, message];
          onChange(this.messages);
        },
        popMessage() {
          this.messages = this.messages.slice(0, -1);
        },
        replaceMessage(index, message) {
          this.messages = this.messages.with(index, message);
          onChange(this.messages);
        },
        snapshot: structuredClone,
      },
    });
  }
}
