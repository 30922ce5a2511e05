// Asking for the token: shown when the program answers that it needs one.

import { useEffect, useRef, useState } from "preact/hooks";
import { keepToken, token } from "./api";

/** The dialog; `wanted` while the program asks. */
export function TokenDialog({ wanted, onGiven, onClosed }: { wanted: boolean; onGiven: () => void; onClosed: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  // No token has such characters, and no header could bear them.
  const [odd, setOdd] = useState(false);
  useEffect(() => {
    if (wanted && !dialog.current?.open) dialog.current?.showModal();
    if (!wanted) dialog.current?.close();
  }, [wanted]);
  return (
    <dialog ref={dialog} aria-labelledby="token-title" onCancel={onClosed}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const given = text.trim();
          setText("");
          const isPlain = /^[!-~]+$/.test(given);
          setOdd(!isPlain);
          if (!isPlain) return;
          keepToken(given);
          onGiven();
        }}
      >
        <h2 id="token-title">Token</h2>
        <p>
          {odd || token() ? "This token is not the right one. " : ""}
          givtcp asks for its token, the one that <code>http.token</code> in its settings is. It is kept until this tab is
          closed.
        </p>
        <label class="control-name" for="token">
          Token
        </label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          required
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <p class="act">
          <button type="submit">Go on</button>
        </p>
      </form>
    </dialog>
  );
}
