import Apus

/// The shop's one script: it makes quicker what works without it.
///
/// Suggestions under the search field; adding to the basket, changing it and checking out without a new page, so that
/// a failing network costs a sentence and not what was typed; filters that apply at once. Forms go to the addresses they
/// name, and the pages that come back are shown. It stores nothing and makes no markup of its own out of text.
enum Script {
    /// Where pages link to: the address names the content, so that browsers keep it for good.
    static let path = "/script-" + Hex.encode(withUnsafeBytes(of: XXHash64.hash(text).bigEndian, Array.init)) + ".js"

    static let text = #"""
        'use strict';
        (() => {
        const root = document.documentElement, find = (s, e = document) => e.querySelector(s);
        root.classList.add('js');

        // What screen readers should hear although nothing gets the focus.
        const live = document.createElement('p');
        live.className = 'hidden';
        live.setAttribute('role', 'status');
        document.body.append(live);
        const say = text => { live.textContent = ''; setTimeout(() => { live.textContent = text }, 60) };

        const offline = 'The shop cannot be reached just now. Nothing is lost: please try again.';

        // Sends a form and gives the page that answers; null where none came.
        async function send(form, extra, limit = 15000) {
          const body = new URLSearchParams(new FormData(form));
          for (const [name, value] of extra || []) body.set(name, value);
          const stop = new AbortController(), timer = setTimeout(() => stop.abort(), limit);
          try {
            const answer = await fetch(form.action, {method: 'POST', body, signal: stop.signal});
            if (answer.status >= 500) return null;
            const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
            return {answer, page};
          } catch { return null } finally { clearTimeout(timer) }
        }

        // Takes over the count in the basket's link.
        function count(page) {
          const fresh = find('#basket', page), old = find('#basket');
          if (fresh && old) old.replaceWith(document.adoptNode(fresh));
        }

        // Shows the content of a page that came, in place of what is there.
        function show(page, url) {
          const main = find('main', page);
          if (!main) return false;
          find('main').replaceWith(document.adoptNode(main));
          document.title = page.title;
          count(page);
          if (url) history.pushState(null, '', url);
          start();
          const alert = find('main [role=alert][tabindex]');
          if (alert) alert.focus();
          return true;
        }

        function notice(form, text) {
          let box = find('.sent', form.parentNode);
          if (!box) {
            box = document.createElement('p');
            box.className = 'notice bad sent';
            box.setAttribute('role', 'alert');
            form.parentNode.insertBefore(box, form);
          }
          box.textContent = text;
          box.scrollIntoView({block: 'center'});
        }

        function buy(form) {
          form.addEventListener('submit', async event => {
            event.preventDefault();
            if (form.dataset.busy) return;
            form.dataset.busy = 'yes';
            const said = find('.said');
            const got = await send(form);
            delete form.dataset.busy;
            if (!got) { said.className = 'said error'; said.textContent = offline; return }
            if (!got.answer.redirected) { show(got.page); return }
            count(got.page);
            said.className = 'said';
            said.textContent = 'It is in your basket. ';
            const link = document.createElement('a');
            link.href = '/basket';
            link.textContent = 'Go to the basket';
            said.append(link);
          });
        }

        function line(form) {
          const input = find('input[name=quantity]', form);
          let kept = input.value, timer;
          const change = async extra => {
            clearTimeout(timer);
            if (form.dataset.busy) return;
            form.dataset.busy = 'yes';
            const focused = document.activeElement && document.activeElement.id;
            const got = await send(form, extra);
            delete form.dataset.busy;
            if (!got) { input.value = kept; notice(find('.split'), offline); return }
            show(got.page);
            const again = focused && document.getElementById(focused);
            if (again) again.focus(); else (find('main h1') || find('main')).focus();
            const total = find('main .total + .total, main dd.total');
            say(total ? 'Basket changed, total ' + total.textContent : 'Basket changed');
          };
          input.addEventListener('change', () => {
            if (input.value === '' || input.value === kept) return;
            clearTimeout(timer);
            timer = setTimeout(change, 250);
          });
          form.addEventListener('submit', event => {
            event.preventDefault();
            const by = event.submitter;
            change(by && by.name ? [[by.name, by.value]] : []);
          });
          for (const [step, sign, name] of [[-1, '−', 'One less'], [1, '+', 'One more']]) {
            const button = document.createElement('button');
            button.type = 'button';
            button.className = 'step';
            button.textContent = sign;
            button.id = input.id + (step < 0 ? '-less' : '-more');
            button.setAttribute('aria-label', name + ' of ' + find('h2', form.parentNode).textContent);
            button.addEventListener('click', () => {
              const next = Math.min(999, Math.max(0, Number(input.value) + step));
              if (String(next) === input.value) return;
              input.value = next;
              clearTimeout(timer);
              timer = setTimeout(change, 400);
            });
            if (step < 0) input.before(button); else input.after(button);
          }
        }

        function checkout(form) {
          const country = find('#country', form);
          country.addEventListener('change', () => {
            const region = country.selectedOptions[0].dataset.region;
            for (const sums of form.querySelectorAll('[data-sums]')) sums.hidden = sums.dataset.sums !== region;
          });
          form.addEventListener('submit', async event => {
            event.preventDefault();
            if (form.dataset.busy) return;
            form.dataset.busy = 'yes';
            const button = find('button:not([type])', form), word = button.textContent;
            button.textContent = 'Placing your order…';
            button.setAttribute('aria-disabled', 'true');
            const got = await send(form, [], 30000);
            if (got && got.answer.redirected) { location.assign(got.answer.url); return }
            delete form.dataset.busy;
            button.textContent = word;
            button.removeAttribute('aria-disabled');
            // The key in the form makes it safe: the same order is never placed twice.
            if (!got) notice(form, 'The shop cannot be reached just now. Your order is not placed twice: please press the button again.');
            else show(got.page);
          });
        }

        function choices(form) {
          form.addEventListener('change', () => {
            for (const field of form.elements) if (field.value === '' || field.value === 'popular') field.disabled = true;
            form.submit();
          });
          addEventListener('pageshow', () => { for (const field of form.elements) field.disabled = false });
        }

        function start() {
          for (const form of document.querySelectorAll('[data-buy]')) buy(form);
          for (const form of document.querySelectorAll('[data-line]')) line(form);
          for (const form of document.querySelectorAll('[data-checkout]')) checkout(form);
          for (const form of document.querySelectorAll('[data-auto]')) choices(form);
        }
        start();
        addEventListener('popstate', () => location.reload());

        // Suggestions: a combobox with a list, after the ARIA Authoring Practices.
        const input = find('#q'), list = document.createElement('ul');
        list.id = 'suggestions';
        list.className = 'suggestions';
        list.hidden = true;
        list.setAttribute('role', 'listbox');
        list.setAttribute('aria-label', 'Products');
        input.closest('form').append(list);
        for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-expanded', 'false'],
          ['aria-controls', 'suggestions']]) input.setAttribute(name, value);
        let asked = '', timer, at = -1;
        const known = new Map();
        function close() {
          list.hidden = true;
          at = -1;
          input.setAttribute('aria-expanded', 'false');
          input.removeAttribute('aria-activedescendant');
        }
        function mark(next) {
          const items = list.children;
          if (items[at]) items[at].setAttribute('aria-selected', 'false');
          at = next < -1 ? items.length - 1 : next >= items.length ? -1 : next;
          if (items[at]) {
            items[at].setAttribute('aria-selected', 'true');
            items[at].scrollIntoView({block: 'nearest'});
            input.setAttribute('aria-activedescendant', items[at].id);
          } else input.removeAttribute('aria-activedescendant');
        }
        async function suggest() {
          const text = input.value.trim();
          asked = text;
          if (text.length < 2) return close();
          if (!known.has(text)) {
            try {
              const answer = await fetch('/search/suggestions?q=' + encodeURIComponent(text));
              if (!answer.ok) return close();
              if (known.size > 100) known.clear();
              known.set(text, await answer.text());
            } catch { return close() }
          }
          // An answer may come after the next question.
          if (asked !== text || document.activeElement !== input) return;
          const found = new DOMParser().parseFromString(known.get(text), 'text/html').body.children;
          list.replaceChildren(...[...found].map(item => document.adoptNode(item)));
          at = -1;
          list.hidden = list.children.length === 0;
          input.setAttribute('aria-expanded', String(!list.hidden));
          if (!list.hidden) say(list.children.length + ' suggestions, use the arrow keys');
        }
        input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(suggest, 120) });
        input.addEventListener('keydown', event => {
          if (list.hidden) return;
          if (event.key === 'ArrowDown') { event.preventDefault(); mark(at + 1) }
          else if (event.key === 'ArrowUp') { event.preventDefault(); mark(at - 1) }
          else if (event.key === 'Escape') { event.preventDefault(); close() }
          else if (event.key === 'Enter' && at >= 0) { event.preventDefault(); location.assign(list.children[at].dataset.href) }
        });
        input.addEventListener('blur', () => setTimeout(close, 150));
        list.addEventListener('pointerdown', event => event.preventDefault());
        list.addEventListener('click', event => {
          const item = event.target.closest('[data-href]');
          if (item) location.assign(item.dataset.href);
        });
        })();

        """#
}
