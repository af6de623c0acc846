/// What the page does: it shows the numbers under the pointer.
enum ReportScript {
  static let text = HTML(
    verbatim: """
      "use strict";
      (function () {
        function place(svg, event) {
          var box = svg.getBoundingClientRect();
          var view = svg.viewBox.baseVal;
          return { x: (event.clientX - box.left) * view.width / box.width, y: (event.clientY - box.top) * view.height / box.height };
        }
        function nearest(points, x) {
          var best = 0;
          for (var i = 1; i < points.length; i++) {
            if (Math.abs(points[i][0] - x) < Math.abs(points[best][0] - x)) best = i;
          }
          return best;
        }
        document.querySelectorAll("svg.plot").forEach(function (svg) {
          var output = svg.parentElement.querySelector(".value");
          var cursor = svg.querySelector(".cursor");
          if (!output || !cursor) return;
          var lines = Array.from(svg.querySelectorAll("polyline[data-values]")).map(function (line) {
            return {
              name: line.dataset.name, steps: line.dataset.steps.split(";"), values: line.dataset.values.split(";"),
              points: line.getAttribute("points").split(" ").map(function (point) { return point.split(",").map(Number); })
            };
          });
          if (!lines.length) return;
          svg.addEventListener("pointermove", function (event) {
            var x = place(svg, event).x;
            var at = nearest(lines[0].points, x);
            var shown = lines[0].points[at][0];
            cursor.removeAttribute("hidden");
            cursor.firstElementChild.setAttribute("x1", shown);
            cursor.firstElementChild.setAttribute("x2", shown);
            var texts = lines.map(function (line) {
              var i = nearest(line.points, shown);
              return (lines.length > 1 ? line.name + " " : "") + line.values[i];
            });
            output.textContent = svg.dataset.unit + " " + lines[0].steps[at] + ": " + texts.join(", ");
          });
          svg.addEventListener("pointerleave", function () {
            cursor.setAttribute("hidden", "");
            output.textContent = output.dataset.last;
          });
        });
      })();
      """)
}
