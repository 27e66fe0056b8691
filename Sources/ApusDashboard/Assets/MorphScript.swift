extension Asset {
    static let morphScript = #"""
        // Renews what stands on a page in place, so that the focus, a selection and the scrolled distance stay.

        /** Makes the children of `place` look like `children`; rows and the like are matched by `data-key`. */
        export function morph(place, ...children) {
          const fresh = children.flat(Infinity)
            .filter((child) => child !== undefined && child !== null && child !== false && child !== "")
            .map((child) => (child instanceof Node ? child : document.createTextNode(child)));
          const active = document.activeElement;
          renew(place, fresh);
          // Chromium takes the focus from an element that is moved.
          if (active && active !== document.activeElement && place.contains(active)) active.focus({ preventScroll: true });
        }

        /** Fills a page: in place of another page's content at first, then renewing its own. */
        export function paint(page, ...children) {
          if (!page.isPainted) page.main.replaceChildren();
          page.isPainted = true;
          morph(page.main, ...children);
        }

        const key = (node) => node.dataset?.key;

        function renew(place, fresh) {
          const keyed = new Map();
          for (const child of place.children) if (key(child)) keyed.set(key(child), child);
          let at = place.firstChild;
          for (const next of fresh) {
            const old = key(next) ? keyed.get(key(next)) : at && !key(at) ? at : null;
            if (!old || old.nodeName !== next.nodeName || old.namespaceURI !== next.namespaceURI) {
              place.insertBefore(next, at);
              continue;
            }
            if (old === at) at = at.nextSibling; else place.insertBefore(old, at);
            change(old, next);
          }
          while (at) {
            const after = at.nextSibling;
            at.remove();
            at = after;
          }
        }

        // What a reader has opened, and what can be scrolled, stays so.
        const kept = (element, name) => name === "open" || name === "tabindex" && element.nodeName === "SECTION";

        function change(old, next) {
          if (old.nodeType !== Node.ELEMENT_NODE) {
            if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
            return;
          }
          for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && !kept(old, name)) old.removeAttribute(name);
          for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
          for (const name of ["onclick", "onchange", "oninput", "onkeydown", "onpointerenter", "onpointerleave", "onfocus", "onblur"]) {
            if (old[name] !== next[name]) old[name] = next[name];
          }
          // What somebody is typing or choosing is theirs.
          if (old !== document.activeElement && "value" in next && ["INPUT", "SELECT", "TEXTAREA"].includes(old.nodeName)) {
            if (old.type === "checkbox" || old.type === "radio") old.checked = next.checked;
          }
          renew(old, [...next.childNodes]);
          if (old !== document.activeElement && ["INPUT", "SELECT"].includes(old.nodeName) && old.type !== "file" && old.value !== next.value) old.value = next.value;
        }

        """#
}
