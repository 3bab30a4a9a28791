/** The page: the tracker's live status and savings. */
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { Headline } from "./headline.tsx";
import { useLive } from "./live.ts";
import { useSavings } from "./savings.ts";
import { SECTIONS } from "./sections.ts";
import { Welcome } from "./welcome.tsx";

function Page() {
  const live = useLive();
  const savings = useSavings();
  const { status } = live;
  if (status === undefined)
    return <main aria-busy="true">{live.problem ?? "Connecting to the tracker…"}</main>;
  const sections = SECTIONS.filter(({ needsFullAccess }) => status.access === "full" || !needsFullAccess);
  const idle = status.requests.every(({ kind, count }) => kind !== "announce" || count === 0);
  return (
    <main data-states={live.past.length} class={live.problem === undefined ? "" : "old"}>
      <Headline live={live} status={status} savings={savings} />
      {idle && status.access === "full" && <Welcome status={status} />}
      <nav aria-label="Sections">
        {sections.map(({ id, title }) => (
          <a key={id} href={`#${id}`}>
            {title}
          </a>
        ))}
      </nav>
      <div class="sections">
        {sections.map(({ id, title, Section }) => (
          <section key={id} id={id} aria-label={title}>
            <h2>{title}</h2>
            <Section live={live} status={status} savings={savings} />
          </section>
        ))}
      </div>
    </main>
  );
}

const root = document.getElementById("page");
if (root !== null) render(<Page />, root);
