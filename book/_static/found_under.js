// The search page: what book/found_under.toml names for the words that were typed comes first.
(() => {
  const words = text => text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  // 1 where the words are the same; else the share of the longer one, where it holds all words of the other.
  const likeness = (asked, phrase) => {
    const [short, long] = asked.length < phrase.length ? [asked, phrase] : [phrase, asked];
    return short.length && short.every(word => long.includes(word)) ? short.length / long.length : 0;
  };
  const first = pages => {
    const perform = Search._performSearch;
    Search._performSearch = function (query, ...rest) {
      const results = perform.call(this, query, ...rest);  // from the last one to the first
      const index = Search._index;
      const asked = words(query);
      const likely = Object.entries(pages)
        .map(([page, phrases]) => [page, Math.max(...phrases.map(phrase => likeness(asked, words(phrase))))])
        .filter(([page, likeness]) => likeness >= 0.5 && index.docnames.includes(page))
        .sort((a, b) => a[1] - b[1]);
      for (const [page, likeness] of likely) {
        const number = index.docnames.indexOf(page);
        const found = results.findIndex(result => result[0] === page && !result[2]);
        const [result] = found < 0 ? [[page, index.titles[number], "", null, 0, index.filenames[number]]] : results.splice(found, 1);
        result[4] = 100 + likeness;
        results.push(result);
      }
      return results;
    };
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (typeof Search !== "undefined") first(window.FOUND_UNDER);
  });
})();
