extension Asset {
    static let layoutScript = #"""
        // Where parts, arrows and labels stand in the picture, so that each can be read.

        const ranks = { clients: 0, edge: 1, web: 2, service: 3, process: 3.5, cache: 4, store: 4 };
        /** From so many parts on each is drawn small. */
        const manyParts = 40;
        /** What a label needs, with both of its lines and with one. */
        const full = { width: 96, height: 34 }, short = { width: 54, height: 16 };
        const shares = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8, 0.14, 0.86, 0.09, 0.91];

        /** The places of all nodes, the path of every arrow, and how much room there is. */
        export function layOut(picture, isNarrow) {
          const isSmall = picture.nodes.length > manyParts;
          const known = new Set(picture.nodes.map((node) => node.id));
          const arrows = picture.arrows.filter((arrow) => known.has(arrow.from) && known.has(arrow.to));
          const stacks = order(picture.nodes, arrows, isNarrow ? 2 : isSmall ? 22 : 14);
          const layout = { isSmall, isNarrow, places: new Map(), paths: new Map() };
          if (isNarrow) placeDown(layout, stacks); else placeAcross(layout, stacks, arrows);
          route(layout, arrows);
          return layout;
        }

        function sizeOf(node, isSmall) {
          if (node.kind === "clients") return { width: 84, height: 40 };
          return isSmall ? { width: 150, height: 44 } : { width: 172, height: 88 };
        }

        /** Nodes by what they are, in stacks of at most `most`; within a kind next to those they have to do with. */
        function order(nodes, arrows, most) {
          const kinds = new Map();
          for (const node of nodes) {
            const rank = ranks[node.kind] ?? 3;
            if (!kinds.has(rank)) kinds.set(rank, []);
            kinds.get(rank).push(node);
          }
          const used = [...kinds.keys()].sort((one, other) => one - other);
          const neighbours = new Map(nodes.map((node) => [node.id, []]));
          for (const { from, to } of arrows) {
            neighbours.get(from).push(to);
            neighbours.get(to).push(from);
          }
          // Each kind by the mean place of its neighbours, from the left and back: fewer arrows cross.
          const at = new Map();
          const count = (rank) => kinds.get(rank).forEach((node, index, all) => at.set(node.id, (index + 0.5) / all.length));
          used.forEach(count);
          for (const rank of [...used, ...used.toReversed(), ...used]) {
            const own = new Set(kinds.get(rank).map((node) => node.id));
            const mean = new Map(kinds.get(rank).map((node) => {
              const others = neighbours.get(node.id).filter((id) => !own.has(id)).map((id) => at.get(id));
              return [node.id, others.length ? others.reduce((sum, one) => sum + one, 0) / others.length : at.get(node.id)];
            }));
            kinds.get(rank).sort((one, other) => mean.get(one.id) - mean.get(other.id));
            count(rank);
          }
          return used.map((rank) => {
            const all = kinds.get(rank), each = Math.ceil(all.length / Math.ceil(all.length / most));
            return Array.from({ length: Math.ceil(all.length / each) }, (_, index) => all.slice(index * each, (index + 1) * each));
          });
        }

        /** Kinds from left to right, a long one in several columns. */
        function placeAcross(layout, stacks, arrows) {
          const row = layout.isSmall ? 10 : 22;
          const columns = stacks.flat();
          const isIn = columns.map((column) => new Set(column.map((node) => node.id)));
          const heights = columns.map((column) => column.reduce((sum, node) => sum + sizeOf(node, layout.isSmall).height + row, -row));
          const tallest = Math.max(...heights, 120);
          let left = 8;
          columns.forEach((column, index) => {
            let top = 12 + (tallest - heights[index]) / 2;
            const wide = Math.max(...column.map((node) => sizeOf(node, layout.isSmall).width));
            for (const node of column) {
              const size = sizeOf(node, layout.isSmall);
              layout.places.set(node.id, { x: left, y: top, ...size });
              top += size.height + row;
            }
            // The more arrows come from here, the more room their labels get.
            const leaving = arrows.filter((arrow) => isIn[index].has(arrow.from)).length;
            left += wide + (layout.isSmall ? 90 : leaving > 8 ? 200 : leaving > 3 ? 156 : 118);
          });
          layout.width = Math.max(...[...layout.places.values()].map((place) => place.x + place.width)) + 14;
          layout.height = tallest + 24;
        }

        /** Kinds from top to bottom, for a narrow window: two beside each other. */
        function placeDown(layout, stacks) {
          layout.width = 380;
          let top = 8;
          for (const kind of stacks) {
            for (const row of kind) {
              const sizes = row.map((node) => sizeOf(node, layout.isSmall));
              const wide = sizes.reduce((sum, size) => sum + size.width, 0) + (row.length - 1) * 24;
              let left = (layout.width - wide) / 2;
              row.forEach((node, index) => {
                layout.places.set(node.id, { x: left, y: top, ...sizes[index] });
                left += sizes[index].width + 24;
              });
              top += Math.max(...sizes.map((size) => size.height)) + 14;
            }
            top += 54;
          }
          layout.height = top - 54;
        }

        /** Curves from the side of one node to the side of another; ends on one side are spread out in order. */
        function route(layout, arrows) {
          const isDown = layout.isNarrow;
          const middle = (place) => (isDown ? place.x + place.width / 2 : place.y + place.height / 2);
          const ends = new Map();
          const end = (id, side, arrow, other) => {
            const key = `${id} ${side}`;
            if (!ends.has(key)) ends.set(key, []);
            ends.get(key).push({ arrow, other: middle(layout.places.get(other)) });
          };
          const sides = new Map();
          for (const arrow of arrows) {
            const from = layout.places.get(arrow.from), to = layout.places.get(arrow.to);
            const ahead = isDown ? to.y - from.y : to.x - from.x;
            const side = ahead > 1 ? ["out", "in"] : ahead < -1 ? ["in", "out"] : isDown ? ["out", "out"] : ["out", "out"];
            sides.set(arrow, side);
            end(arrow.from, side[0], arrow, arrow.to);
            end(arrow.to, side[1], arrow, arrow.from);
          }
          for (const list of ends.values()) list.sort((one, other) => one.other - other.other);
          const point = (id, side, arrow) => {
            const place = layout.places.get(id), list = ends.get(`${id} ${side}`);
            const long = (isDown ? place.width : place.height) * 0.72;
            const step = Math.min(isDown ? 40 : 22, long / Math.max(1, list.length - 1));
            const along = middle(place) + (list.findIndex((one) => one.arrow === arrow) - (list.length - 1) / 2) * step;
            const far = side === "out" ? (isDown ? place.y + place.height : place.x + place.width) : isDown ? place.y : place.x;
            return isDown ? [along, far] : [far, along];
          };
          for (const arrow of arrows) {
            const [first, last] = sides.get(arrow);
            const begin = point(arrow.from, first, arrow), stop = point(arrow.to, last, arrow);
            const axis = isDown ? 1 : 0;
            const bend = first === last ? 56 : Math.max(30, Math.abs(stop[axis] - begin[axis]) / 2);
            const way = (side) => (side === "out" ? bend : -bend);
            const one = [...begin], two = [...stop];
            one[axis] += way(first);
            two[axis] += way(last);
            // The head ends at the box's edge, not in it.
            stop[axis] += last === "out" ? 2 : -2;
            layout.paths.set(arrow.from + ">" + arrow.to, { begin, one, two, stop });
          }
        }

        export const curve = ({ begin, one, two, stop }) => `M${begin}C${one} ${two} ${stop}`;

        function pointAt({ begin, one, two, stop }, t) {
          const s = 1 - t;
          return [0, 1].map((axis) => begin[axis] * s ** 3 + 3 * one[axis] * s * s * t + 3 * two[axis] * s * t * t + stop[axis] * t ** 3);
        }

        const shared = (one, other) => Math.max(0, Math.min(one.right, other.right) - Math.max(one.left, other.left))
          * Math.max(0, Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top));

        const box = ([x, y], size) => ({ left: x - size.width / 2, right: x + size.width / 2, top: y - size.height / 2, bottom: y + size.height / 2 });

        /**
         * Finds room for labels on their own arrows: beside no other label, on none of the nodes in `solid`, and where few
         * other arrows pass.
         * One that has no room for two lines gets one, and one that has none at all is left out: what it says is shown
         * when somebody points at its arrow.
         */
        export function placeLabels(layout, keys, solid) {
          const nodes = [...layout.places].filter(([id]) => solid(id)).map(([, place]) => ({ left: place.x - 2, right: place.x + place.width + 2, top: place.y - 2, bottom: place.y + place.height + 2 }));
          const others = keys.length > 60 ? [] : keys.map((key) => [key, Array.from({ length: 17 }, (_, index) => pointAt(layout.paths.get(key), (index + 0.5) / 17))]);
          const taken = [], found = new Map();
          const room = (key, size) => {
            let best, least = Infinity;
            for (const share of shares) {
              const at = pointAt(layout.paths.get(key), share), place = box(at, size);
              if (place.left < 0 || place.right > layout.width || taken.some((one) => shared(one, place) > 0) || nodes.some((one) => shared(one, place) > 0)) continue;
              let cost = Math.abs(share - 0.5) * 6;
              for (const [other, points] of others) {
                if (other !== key) for (const [x, y] of points) if (x > place.left && x < place.right && y > place.top && y < place.bottom) cost += 1;
              }
              if (cost < least) [best, least] = [{ at, place }, cost];
            }
            return best;
          };
          // Short arrows have the fewest places to choose from.
          const length = (key) => { const { begin, stop } = layout.paths.get(key); return Math.hypot(stop[0] - begin[0], stop[1] - begin[1]); };
          for (const key of [...keys].sort((one, other) => length(one) - length(other))) {
            for (const size of layout.isSmall && keys.length > 30 ? [short] : [full, short]) {
              const spot = room(key, size);
              if (!spot) continue;
              taken.push(spot.place);
              found.set(key, { at: spot.at, isShort: size === short });
              break;
            }
          }
          return found;
        }

        export const middleOf = (layout, key) => pointAt(layout.paths.get(key), 0.5);

        """#
}
