// Asking whether something is meant: one dialog for the whole page.

import { useEffect, useRef, useState } from "preact/hooks";

interface Question {
  title: string;
  text: string;
  answer: (yes: boolean) => void;
}

let put: ((question: Question) => void) | undefined;

/** Asks; `false` if the dialog is closed. */
export function ask(title: string, text: string): Promise<boolean> {
  return new Promise((answer) => (put ? put({ title, text, answer }) : answer(false)));
}

/** The dialog. */
export function Confirm() {
  const [question, setQuestion] = useState<Question | undefined>();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    put = setQuestion;
  }, []);
  useEffect(() => {
    if (question) dialog.current?.showModal();
  }, [question]);
  const answer = (yes: boolean) => {
    question?.answer(yes);
    setQuestion(undefined);
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onCancel={() => answer(false)}>
      <h2 id="confirm-title">{question?.title}</h2>
      <p>{question?.text}</p>
      <p class="act">
        <button type="button" onClick={() => answer(false)}>
          No
        </button>
        <button type="button" class="danger" onClick={() => answer(true)}>
          Yes, do it
        </button>
      </p>
    </dialog>
  );
}
