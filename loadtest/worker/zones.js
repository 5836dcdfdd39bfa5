// Fills the Zones tab of Locust's web UI, and the page /zones.
//
// One element draws it all in a shadow tree of its own, so that neither its styles nor Locust's meet. Whatever
// comes from the server is set as text. Nothing is loaded but the JSON that the master has.
"use strict";
(() => {
    const STATE = "/samezone/zones";
    const MODE = "/samezone/mode";
    const POLL_MS = 1000;
    const SPAN_S = 300;
    const LOGGED_OUT = "You are not logged in any more: load this page again, and log in.";
    const SVG = "http://www.w3.org/2000/svg";

    const STYLE = `
        :host { display: block; font: inherit; --same: #15803d; --cross: #b45309; --bad: #b91c1c;
            --muted: #595959; --line: #c4c4c4; --fill: #f3f4f6; --button: #ffffff; }
        :host([dark]) { --same: #4ade80; --cross: #fbbf24; --bad: #fca5a5; --muted: #bdbdbd; --line: #5c5c5c;
            --fill: #2b2b2b; --button: #1f1f1f; }
        * { box-sizing: border-box; }
        h2 { font-size: 1.05rem; margin: 1.4rem 0 .5rem; }
        p { margin: .3rem 0; }
        .muted { color: var(--muted); }
        .bad { color: var(--bad); }
        .notices { margin: .5rem 0; padding: 0; list-style: none; }
        .notices li { border-left: 4px solid var(--bad); background: var(--fill); padding: .4rem .7rem;
            margin: .3rem 0; overflow-wrap: anywhere; }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: .6rem;
            margin: .8rem 0 0; }
        .figures div { background: var(--fill); border-radius: 6px; padding: .6rem .8rem; }
        .figures dt { color: var(--muted); font-size: .85rem; }
        .figures dd { margin: 0; font-size: 1.6rem; font-variant-numeric: tabular-nums; }
        .figures dd.small { font-size: .85rem; color: var(--muted); }
        :host([stale]) .figures dd, :host([stale]) td { color: var(--muted); }
        .two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr));
            column-gap: 2rem; }
        .scroll { overflow-x: auto; }
        .scroll:focus-visible, button:focus-visible { outline: 3px solid var(--same); outline-offset: 2px; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
        caption { text-align: left; color: var(--muted); padding-bottom: .3rem; font-size: .85rem; }
        th, td { padding: .35rem .5rem; text-align: right; border-bottom: 1px solid var(--line);
            vertical-align: top; }
        th { font-weight: 600; }
        th[scope=row], .left { text-align: left; overflow-wrap: anywhere; min-width: 6em; }
        .wide th, .wide td { white-space: nowrap; }
        .zone { white-space: nowrap; }
        td.same { color: var(--same); font-weight: 700; }
        td.cross { color: var(--cross); }
        td.hot { color: var(--bad); font-weight: 700; }
        tbody th { font-weight: 400; }
        th.zone, .wide tbody th { font-weight: 600; }
        svg { display: block; width: 100%; height: 220px; overflow: visible; }
        svg text { fill: currentColor; font-size: 12px; }
        svg .grid { stroke: var(--line); }
        svg .share { stroke: var(--same); stroke-width: 2.5; fill: none; stroke-linejoin: round; }
        svg .dot { fill: var(--same); }
        svg .mark { stroke: var(--cross); stroke-width: 1.5; stroke-dasharray: 4 3; }
        svg .predicted { stroke: currentColor; stroke-width: 1; stroke-dasharray: 2 4; }
        .buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin: .4rem 0; }
        button { font: inherit; color: inherit; background: var(--button); border: 1px solid var(--muted);
            border-radius: 6px; padding: .45rem .8rem; cursor: pointer; text-align: left; min-height: 44px; }
        button small { display: block; color: var(--muted); font-size: .8rem; }
        button[aria-pressed=true] { border: 2px solid var(--same); font-weight: 700; }
        button[aria-disabled=true] { cursor: not-allowed; border-style: dashed; color: var(--muted); }
        @media (prefers-reduced-motion: no-preference) { button { transition: border-color .15s; } }
    `;

    function make(tag, options = {}, ...children) {
        const {text, ...attributes} = options;
        const node = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
        if (text !== undefined) node.textContent = text;
        node.append(...children);
        return node;
    }

    function draw(tag, attributes = {}, text) {
        const node = document.createElementNS(SVG, tag);
        for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
        if (text !== undefined) node.textContent = text;
        return node;
    }

    const percent = (part) => `${(100 * part).toFixed(1)} %`;
    const count = (number) => number.toLocaleString("en");
    const zoneName = (zone) => zone || "unknown";
    const shareOf = (one) => one.same + one.cross ? one.same / (one.same + one.cross) : null;
    const span = (low, high) => low === high || percent(low) === percent(high)
        ? percent(low) : `${percent(low)} to ${percent(high)}`;

    function heading(titles) {
        const row = make("tr");
        titles.forEach(([title, left]) =>
            row.append(make("th", {scope: "col", text: title, ...(left ? {class: "left"} : {})})));
        return make("thead", {}, row);
    }

    function table(caption, titles, rows) {
        return make("table", {}, make("caption", {text: caption}), heading(titles), make("tbody", {}, ...rows));
    }

    function scrolling(label, content) {
        return make("div", {class: "scroll", role: "region", tabindex: "0", "aria-label": label}, content);
    }

    function matrix(live) {
        const now = live.now;
        const zones = [...new Set(now.flows.flatMap((one) => [one.client_zone, one.server_zone]))]
            .sort((one, other) => !one - !other || one.localeCompare(other));
        if (!zones.length) return make("p", {class: "muted", text: "No call was seen in the last seconds."});
        const calls = new Map(now.flows.map((one) => [`${one.client_zone} ${one.server_zone}`, one.calls]));
        const rows = zones.map((from) => {
            const cells = zones.map((to) => calls.get(`${from} ${to}`) || 0);
            const sum = cells.reduce((one, other) => one + other, 0);
            const row = make("tr", {}, make("th", {scope: "row", class: "zone", text: zoneName(from)}));
            cells.forEach((number, place) => {
                const to = zones[place];
                const kind = !from || !to || !number ? "muted" : from === to ? "same" : "cross";
                const text = number ? `${count(number)} (${Math.round(100 * number / sum)}\u00a0%)` : "0";
                row.append(make("td", {class: kind, text}));
            });
            return row;
        });
        const seconds = Math.round(now.end_s - now.start_s);
        return table(
            `${live.unit} of the last ${seconds} s, from the zone on the left to the zone above; ` +
            "same zone in bold; % of the row",
            [["from \\ to", true], ...zones.map((zone) => [zoneName(zone), false])], rows);
    }

    function endpointTable(live) {
        if (!live.now.endpoints.length) {
            return make("p", {class: "muted", text: "Not known: no call was seen, or the source names no pods."});
        }
        const rows = live.now.endpoints.map((one) => make("tr", {},
            make("th", {scope: "row", text: one.pod}),
            make("td", {class: "left zone", text: zoneName(one.zone)}),
            make("td", {text: count(one.calls)}),
            make("td", one.is_hot ? {class: "hot", text: `${one.times_mean.toFixed(2)}x, hot`}
                : {text: `${one.times_mean.toFixed(2)}x`})));
        return table(`${live.unit} of the last minute under this mode, against the mean of all endpoints`,
            [["Endpoint", true], ["Zone", true], ["Calls", false], ["Of the mean", false]], rows);
    }

    function generatorTable(workers) {
        const columns = [["zone", "Zone"], ["name", "Worker"], ["state", "State"], ["rate", "Requests/s"],
            ["failures", "Failures"], ["p99", "p99 ms"], ["lag_p99", "Lag p99 ms"],
            ["spans_dropped", "Spans dropped"], ["cpu", "CPU % max"]];
        const rows = workers.map((one) => make("tr", {}, ...columns.map(([key], place) => place === 1
            ? make("th", {scope: "row", text: one[key]})
            : make("td", {text: one[key], ...(place === 0 || place === 2 ? {class: "left"} : {})}))));
        return table("Since the start of the load",
            columns.map(([, title], place) => [title, place < 3]), rows);
    }

    function chart(live, now_s, width) {
        const height = 220, left = 44, right = 10, top = 22, bottom = 26;
        const across = width - left - right, down = height - top - bottom;
        const x = (time_s) => left + across * (1 - (now_s - time_s) / SPAN_S);
        const y = (share) => top + down * (1 - share);
        const points = live.slices.map((one) => [(one.start_s + one.end_s) / 2, shareOf(one)])
            .filter(([time_s, share]) => share !== null && time_s > now_s - SPAN_S);
        const last = points.length ? percent(points[points.length - 1][1]) : "not known";
        const svg = draw("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label":
            `Same-zone share over the last five minutes; the newest is ${last}. ` + live.marks.map((one) =>
                `Mode ${one.before} to ${one.mode} ${Math.round(now_s - one.at_s)} s ago.`).join(" ")});
        for (const share of [0, .5, 1]) {
            svg.append(draw("line", {class: "grid", x1: left, x2: width - right, y1: y(share), y2: y(share)}),
                draw("text", {x: left - 6, y: y(share) + 4, "text-anchor": "end"}, `${100 * share} %`));
        }
        const step = width < 500 ? 150 : 60;
        for (let ago = 0; ago <= SPAN_S; ago += step) {
            svg.append(draw("text", {x: x(now_s - ago), y: height - 6,
                "text-anchor": ago === 0 ? "end" : ago === SPAN_S ? "start" : "middle"},
                ago ? `${ago} s ago` : "now"));
        }
        const asked = live.predicted.find((one) => one.mode === live.mode);
        if (asked) {
            const level = (asked.low + asked.high) / 2;
            svg.append(draw("line",
                {class: "predicted", x1: left, x2: width - right, y1: y(level), y2: y(level)}));
        }
        let end = Infinity;
        for (const one of [...live.marks].reverse()) {
            if (one.at_s < now_s - SPAN_S) break;
            const place = x(one.at_s), text = `${one.before} \u2192 ${one.mode}`, wide = 7 * text.length;
            svg.append(draw("line", {class: "mark", x1: place, x2: place, y1: top, y2: top + down}));
            const start = Math.max(left, Math.min(place - wide / 2, width - right - wide));
            if (start + wide < end) {  // of marks that are too close for their words the newest is named
                svg.append(draw("text", {x: start, y: 14}, text));
                end = start;
            }
        }
        let path = "", before = -Infinity;
        for (const [time_s, share] of points) {
            path += `${time_s - before > 10 ? "M" : "L"}${x(time_s).toFixed(1)} ${y(share).toFixed(1)}`;
            before = time_s;
        }
        svg.append(draw("path", {class: "share", d: path}));
        if (points.length) {
            const [time_s, share] = points[points.length - 1];
            svg.append(draw("circle", {class: "dot", cx: x(time_s), cy: y(share), r: 4}));
        }
        return svg;
    }

    class Zones extends HTMLElement {
        connectedCallback() {
            if (!this.shadowRoot) this.build();
            this.paint();
            this.poll();
        }

        disconnectedCallback() { clearTimeout(this.timer); this.timer = null; }

        build() {
            const root = this.attachShadow({mode: "open"});
            this.parts = {};
            const part = (name, tag, options) => this.parts[name] = make(tag, options);
            root.append(make("style", {text: STYLE}), part("lead", "p", {}), part("run", "p", {class: "muted"}),
                part("notices", "ul", {class: "notices"}), part("figures", "dl", {class: "figures"}),
                make("h2", {text: "Same-zone share, last five minutes"}), part("chart", "div", {}),
                part("legend", "p", {class: "muted"}), make("h2", {id: "mode", text: "Routing mode"}),
                part("buttons", "div", {class: "buttons", role: "group", "aria-labelledby": "mode"}),
                part("said", "p", {role: "status"}),
                make("div", {class: "two"},
                    make("section", {}, make("h2", {text: "Zone to zone"}), part("matrix", "div", {})),
                    make("section", {}, make("h2", {text: "Load of each endpoint"}),
                        part("endpoints", "div", {}))),
                make("h2", {text: "Load generators"}), part("generators", "div", {class: "wide"}));
        }

        async poll() {
            try {
                const answer = await fetch(STATE, {cache: "no-store"});
                if (isLogin(answer)) {
                    this.failure = LOGGED_OUT;
                } else if (!answer.ok) {
                    throw new Error((await answer.text()).trim() || `HTTP ${answer.status}`);
                } else {
                    this.state = await answer.json();
                    this.came_ms = performance.now();
                    this.failure = "";
                }
            } catch (error) {
                this.failure = `The Locust master does not answer: ${error.message}.`;
            }
            if (!this.isConnected) return;
            this.paint();
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.poll(), document.hidden ? 5 * POLL_MS : POLL_MS);
        }

        paint() {
            this.toggleAttribute("dark", isDark());
            const {state, parts} = this;
            if (!state) { parts.lead.textContent = this.failure || "Loading"; return; }
            const live = state.live;
            this.paintNotices(state);
            this.toggleAttribute("stale", Boolean(live) && (state.stale_s !== null || Boolean(this.failure)));
            if (live) this.paintLive(state, live);
            else parts.lead.textContent = `Load: ${state.load.state}, ${state.load.workers} workers.`;
            this.replace("generators", "load generators", state.generators.length
                ? generatorTable(state.generators)
                : make("p", {class: "muted", text: "No worker has reported yet."}));
        }

        // Only what has changed is replaced: who reads or has focus there is not disturbed.
        replace(name, label, content) {
            const part = this.parts[name], wrapped = label ? scrolling(label, content) : content;
            if (part.firstChild && part.firstChild.isEqualNode(wrapped)) return;
            if (label && part.firstChild) part.firstChild.replaceChildren(content);
            else part.replaceChildren(wrapped);
        }

        // How long ago what is shown came from the master.
        silence_s() { return this.failure ? (performance.now() - this.came_ms) / 1000 : 0; }

        paintNotices(state) {
            const found = [...state.notices];
            if (this.failure) {
                found.unshift(`${this.failure} What is below is from ${Math.round(this.silence_s())} s ago.`);
            }
            const list = make("ul", {class: "notices"}, ...found.map((text) => make("li", {text})));
            if (!list.isEqualNode(this.parts.notices)) this.parts.notices.replaceChildren(...list.children);
        }

        paintLive(state, live) {
            const {parts} = this, now = live.now, newest = live.slices[live.slices.length - 1];
            const now_s = state.now_s + this.silence_s();
            const age_s = newest ? Math.max(0, now_s - newest.end_s) : null;
            const isOld = state.stale_s !== null || Boolean(this.failure);
            parts.lead.replaceChildren(make("strong", {text: `${live.client} \u2192 ${live.service}`}),
                live.source ? `, counted by ${live.source}. ` : ". ",
                age_s === null ? make("span", {text: "No calls yet."}) : make("span",
                    {...(isOld ? {class: "bad"} : {}), text: `${Math.round(age_s)} s behind.`}));
            parts.run.textContent = `Load: ${state.load.state}, ${state.load.workers} workers.` +
                (live.run ? ` Run folder: ${live.run}.` : "");
            this.paintFigures(live, now, isOld && age_s !== null ? `${Math.round(age_s)} s ago` : "now");
            const width = Math.max(280, Math.round(parts.chart.clientWidth || 800));
            parts.chart.replaceChildren(chart(live, now_s, width));
            parts.legend.textContent = "Solid: observed. Dotted: predicted for the mode in force. " +
                "Dashed upright: the mode changed.";
            this.paintButtons(live, state.away || Boolean(this.failure));
            this.replace("matrix", "zone to zone", matrix(live));
            this.replace("endpoints", "load of each endpoint", endpointTable(live));
        }

        paintFigures(live, now, when) {
            const all = now.same + now.cross + now.unknown, share = shareOf(now);
            const asked = live.predicted.find((one) => one.mode === live.mode);
            const bounds = all && now.unknown
                ? `${span(now.same / all, (now.same + now.unknown) / all)}, whatever the unknown ones did`
                : `${count(now.same)} of ${count(now.same + now.cross)} ${live.unit}`;
            const entries = [
                [`Same-zone share ${when}`, share === null ? "none" : percent(share), bounds],
                ["Predicted", asked ? span(asked.low, asked.high) : "none",
                    `for mode ${live.mode || "not known"}`],
                ["Coverage", all ? percent((all - now.unknown) / all) : "none",
                    all ? `${count(now.unknown)} of ${count(all)} unknown` +
                        (now.reasons.length ? `: ${now.reasons[0]}` : "") : ""],
                ["Mode in force", live.mode || "not known", markText(live, this.state.now_s)]];
            const nodes = entries.map(([title, value, more]) => make("div", {}, make("dt", {text: title}),
                make("dd", {text: value}), make("dd", {class: "small", text: more})));
            renew(this.parts.figures, nodes);
        }

        paintButtons(live, away) {
            const group = this.parts.buttons;
            if (!group.children.length) {
                for (const mode of [...live.modes, ""]) {
                    const button = make("button", {type: "button", "data-mode": mode},
                        mode ? `Set ${mode}` : "Put back", make("small"));
                    button.addEventListener("click", () => this.ask(mode, button));
                    group.append(button);
                }
            }
            const can = live.may_change && !away && !live.busy && !this.asking;
            for (const button of group.children) {
                const mode = button.dataset.mode, found = live.predicted.find((one) => one.mode === mode);
                const note = button.querySelector("small");
                button.setAttribute("aria-disabled", String(!can));
                if (mode) button.setAttribute("aria-pressed", String(mode === live.mode));
                const text = !mode ? "what the Service had" : !found ? "no prediction"
                    : found.against ? "predicted: not in force" : `predicted ${span(found.low, found.high)}`;
                if (note.textContent !== text) note.textContent = text;
                if (found && found.against) button.title = found.against;
                else button.removeAttribute("title");
            }
            const told = live.busy ? `${live.busy} \u2026` : this.refused || live.said ||
                (live.may_change ? "" : live.why_not);
            const said = told.charAt(0).toUpperCase() + told.slice(1);
            if (this.parts.said.textContent !== said) this.parts.said.textContent = said;
        }

        async ask(mode, button) {
            if (button.getAttribute("aria-disabled") === "true") return;
            this.asking = true;
            this.refused = "";
            this.paint();
            try {
                const answer = await fetch(MODE, {method: "POST", body: JSON.stringify({mode}),
                    headers: {"Content-Type": "application/json"}});
                if (isLogin(answer)) this.refused = LOGGED_OUT;
                else if (!answer.ok) this.refused = (await answer.text()).trim();
            } catch (error) {
                this.refused = `not done: ${error.message}`;
            }
            // The answer comes with the next view; until then a second press would only be refused.
            setTimeout(() => { this.asking = false; this.paint(); }, 2 * POLL_MS);
        }
    }

    // Who is not logged in is led to a page, whatever they ask for: that is no answer of ours.
    function isLogin(answer) {
        return answer.redirected || answer.status === 401;
    }

    function renew(node, children) {
        const same = node.children.length === children.length &&
            children.every((child, place) => child.isEqualNode(node.children[place]));
        if (!same) node.replaceChildren(...children);
    }

    function markText(live, now_s) {
        const last = live.marks[live.marks.length - 1];
        return last ? `since ${Math.max(0, Math.round(now_s - last.at_s))} s, before: ${last.before}` : "";
    }

    // Locust's page has a switch of its own; the page /zones follows the system.
    function isDark() {
        const found = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g);
        if (!found || (found.length === 4 && Number(found[3]) === 0)) {
            return matchMedia("(prefers-color-scheme: dark)").matches;
        }
        const [red, green, blue] = found.map(Number);
        return .299 * red + .587 * green + .114 * blue < 128;
    }

    customElements.define("samezone-zones", Zones);

    // In Locust's page: below its tabs, as long as ours is chosen.
    function follow() {
        const tab = document.querySelector("[role=tab][aria-selected=true]");
        const list = tab && tab.closest("[role=tablist]");
        const place = list && list.closest(".MuiContainer-root");
        const shown = document.querySelector(".MuiContainer-root > samezone-zones");
        if (place && tab.textContent.trim() === "Zones") {
            if (!shown || shown.parentNode !== place) place.append(shown || document.createElement("samezone-zones"));
        } else if (shown) {
            shown.remove();
        }
    }
    if (document.getElementById("root")) {
        new MutationObserver(follow).observe(document.getElementById("root"),
            {subtree: true, childList: true, attributes: true, attributeFilter: ["aria-selected"]});
        follow();
    }
})();
